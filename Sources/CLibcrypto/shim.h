#pragma once
// All that is used of it: digests of messages.
#include <openssl/evp.h>
