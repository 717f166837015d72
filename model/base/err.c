/* base/err.c - the text of each error value. */
#include "model/base/err.h"

const char *rmq_err_text(int err) {
    switch (err) {
#define RMQ_ERROR_CASE(id, value, text) \
    case value:                         \
        return text;
        RMQ_ERRORS(RMQ_ERROR_CASE)
#undef RMQ_ERROR_CASE
    default:
        return "unknown error";
    }
}
