#include "CCommit.h"

#include "CCommitText.h"

const char *weightmill_commit(void) { return weightmill_commit_text; }
