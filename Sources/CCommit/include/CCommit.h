#pragma once

/// The commit the program was built from, or nothing where the build did not say.
const char *weightmill_commit(void);
