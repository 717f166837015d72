/* os/job.h - things of a loop to do a little later. */
#ifndef REAL_OS_JOB_H
#define REAL_OS_JOB_H

#include "model/base/list.h"

struct real_loop;

/* Something to do after the handlers that run now, before the loop waits again: in order of
 * posting. Embedded; zero-initialised before first use. `run` enters a handler itself where it
 * needs one. */
struct real_job {
    void (*run)(struct real_job *job); /* NULL when not posted */
    struct list link;
};

/* Posts `job`; does nothing when it is posted already. */
void real_post(struct real_loop *loop, struct real_job *job, void (*run)(struct real_job *job));
/* Takes it back when it is posted. */
void real_unpost(struct real_job *job);

#endif
