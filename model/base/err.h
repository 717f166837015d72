/* base/err.h - error values of the model.
 *
 * RMQ_OK is 0, failures are negative. Functions that can fail return one of these and give results
 * by pointer; results are untouched on error. Text for people is made at the edge: see
 * rmq_err_text(). */
#ifndef MODEL_BASE_ERR_H
#define MODEL_BASE_ERR_H

#define RMQ_ERRORS(X)                                      \
    X(RMQ_OK, 0, "success")                                \
    X(RMQ_E_NOMEM, -1, "out of memory")                    \
    X(RMQ_E_FULL, -2, "a bounded queue or buffer is full") \
    X(RMQ_E_CLOSED, -3, "the connection is closed")        \
    X(RMQ_E_TIMEOUT, -4, "timed out")                      \
    X(RMQ_E_REFUSED, -5, "connection refused")             \
    X(RMQ_E_RESET, -6, "connection reset")                 \
    X(RMQ_E_UNREACHABLE, -7, "host unreachable")           \
    X(RMQ_E_INVALID, -8, "malformed input")                \
    X(RMQ_E_LIMIT, -9, "input exceeds a limit")            \
    X(RMQ_E_MISSING, -10, "a required member is missing")  \
    X(RMQ_E_RANGE, -11, "number out of range")             \
    X(RMQ_E_NOT_FOUND, -12, "not found")                   \
    X(RMQ_E_EXISTS, -13, "exists already")                 \
    X(RMQ_E_AGAIN, -14, "not resident, use a read")        \
    X(RMQ_E_IO, -15, "input/output error")                 \
    X(RMQ_E_IN_USE, -16, "in use")                         \
    X(RMQ_E_STATE, -17, "not possible in this state")      \
    X(RMQ_E_NO_SPACE, -18, "no space left on the disk")    \
    X(RMQ_E_READ_ONLY, -19, "read-only file system")

enum rmq_err {
#define RMQ_ERROR_ENUM(id, value, text) id = value,
    RMQ_ERRORS(RMQ_ERROR_ENUM)
#undef RMQ_ERROR_ENUM
};

/* English text of an error value, never NULL; static storage. */
const char *rmq_err_text(int err);

#define RMQ_CHECK_RESULT __attribute__((warn_unused_result))

/* Drops a result on purpose; `why` is for the reader and for grep. */
#define RMQ_IGNORE(call, why) \
    do {                      \
        if ((call) != 0) {    \
        }                     \
    } while (0)

#endif
