/* wire/codes.h - the one table of request codes and the one of response codes.
 *
 * Source: wire.md 11 and 12 (RequestCode.java, ResponseCode.java of 4.9.8 and 5.3.3). Rows are
 * added in numeric order. Columns: number, name, releases, direction. */
#ifndef MODEL_WIRE_CODES_H
#define MODEL_WIRE_CODES_H

#include <stdint.h>

#include "model/wire/codes_request.h"
#include "model/wire/codes_response.h"

enum wire_request_code {
#define WIRE_CODE_ENUM(number, name, releases, direction) REQUEST_##name = number,
    WIRE_REQUEST_CODES(WIRE_CODE_ENUM)
#undef WIRE_CODE_ENUM
};
enum wire_response_code {
#define WIRE_CODE_ENUM(number, name, releases, about) RESPONSE_##name = number,
    WIRE_RESPONSE_CODES(WIRE_CODE_ENUM)
#undef WIRE_CODE_ENUM
};

/* "SEND_MESSAGE", or "UNKNOWN" for a number without a row. Static text. */
const char *wire_request_name(int32_t code);
const char *wire_response_name(int32_t code);

#endif
