/* Messages: who catches what (sim/tests/planted.h), the second half. */
#include "sim/tests/planted.h"

int main(void) {
    return planted_main(
        &(struct planted){"planted messages", MESSAGE_ROWS, MESSAGE_ROW_COUNT, true, SEEDS, 1, 2});
}
