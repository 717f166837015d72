/* sim/report/version.c - what this program was built from. */
#include <zlib.h>

#include "commit.h"
#include "sim/report/summary.h"

const char *build_commit(void) {
    return BUILD_COMMIT;
}

const char *build_zlib(void) {
    return zlibVersion();
}

const char *build_compiler(void) {
#ifdef __clang__
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}
