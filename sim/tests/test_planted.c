/* Routes: who catches what (sim/tests/planted.h). */
#include "sim/tests/planted.h"

int main(void) {
    return planted_main(&(struct planted){"planted", ROUTE_ROWS, ROUTE_ROW_COUNT, false, 20, 0, 1});
}
