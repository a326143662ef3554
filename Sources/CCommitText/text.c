#include "CCommitText.h"

// Package.swift takes it from the environment.
#ifndef WEIGHTMILL_COMMIT
#define WEIGHTMILL_COMMIT ""
#endif

const char weightmill_commit_text[] = WEIGHTMILL_COMMIT;
