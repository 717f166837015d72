/* sim/mqsim_tools.h - the subcommands of mqsim that read event logs. argv[0] is the subcommand's
 * name; the result is the exit code. */
#ifndef SIM_MQSIM_TOOLS_H
#define SIM_MQSIM_TOOLS_H

int mqsim_check(int argc, char **argv); /* judge logs offline */
int mqsim_trace(int argc, char **argv); /* print a log as text */
int mqsim_diff(int argc, char **argv);  /* first difference of two logs: 0 none, 14 */

#endif
