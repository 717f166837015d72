/* os/net_address.c - socket addresses and their text. */
#include <arpa/inet.h>
#include <stdio.h>

#include "real/os/net_internal.h"

int real_address_parse(const char *ip, uint16_t port, union real_address *out) {
    union real_address address = {.any = {.sa_family = AF_UNSPEC}};
    if (inet_pton(AF_INET, ip, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
    } else if (inet_pton(AF_INET6, ip, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
    } else {
        return RMQ_E_INVALID;
    }
    *out = address;
    return RMQ_OK;
}

void real_address_text(const union real_address *address, char out[ENV_ADDRESS_MAX]) {
    char ip[INET6_ADDRSTRLEN] = "";
    if (address->any.sa_family == AF_INET6) {
        const struct in6_addr *v6 = &address->v6.sin6_addr;
        bool mapped = IN6_IS_ADDR_V4MAPPED(v6);
        inet_ntop(mapped ? AF_INET : AF_INET6, v6->s6_addr + (mapped ? 12 : 0), ip, sizeof ip);
        snprintf(out, ENV_ADDRESS_MAX, mapped ? "%s:%u" : "[%s]:%u", ip,
                 (unsigned)ntohs(address->v6.sin6_port));
        return;
    }
    inet_ntop(AF_INET, &address->v4.sin_addr, ip, sizeof ip);
    snprintf(out, ENV_ADDRESS_MAX, "%s:%u", ip, (unsigned)ntohs(address->v4.sin_port));
}
