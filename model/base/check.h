/* base/check.h - assertions of the model: on in every build.
 *
 * An assertion states what only our own mistake can break; bad input never reaches one. Expensive
 * ones use RMQ_CHECK_EXPENSIVE and are compiled in with -DRMQ_CHECKS (debug and sanitizer presets).
 */
#ifndef MODEL_BASE_CHECK_H
#define MODEL_BASE_CHECK_H

/* Implemented by sim/, real/ and the test fake; never returns to the caller. */
void rmq_assert_fail(const char *expression, const char *file, int line) __attribute__((noreturn));

#define RMQ_ASSERT(expression) \
    ((expression) ? (void)0 : rmq_assert_fail(#expression, __FILE__, __LINE__))

#ifdef RMQ_CHECKS
#define RMQ_CHECK_EXPENSIVE(expression) RMQ_ASSERT(expression)
#else
#define RMQ_CHECK_EXPENSIVE(expression) ((void)(0 && (expression))) /* never evaluated */
#endif

#define RMQ_UNREACHABLE() rmq_assert_fail("unreachable", __FILE__, __LINE__)

/* The structure that `pointer`, the address of its `member`, is part of. */
#define RMQ_CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
