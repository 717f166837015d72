/* wire/codes.c - names of request and response codes. */
#include "model/wire/codes.h"

#define CODE_NAME(number, name, releases, about) \
    case number:                                 \
        return #name;

const char *wire_request_name(int32_t code) {
    switch (code) {
        WIRE_REQUEST_CODES(CODE_NAME)
    default:
        return "UNKNOWN";
    }
}

const char *wire_response_name(int32_t code) {
    switch (code) {
        WIRE_RESPONSE_CODES(CODE_NAME)
    default:
        return "UNKNOWN";
    }
}
