#define STUB_NAME "egg"
#define STUB_REQUIRES "hen"
#include "stub.h"
