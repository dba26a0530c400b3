#define STUB_NAME "hen"
#define STUB_REQUIRES "egg"
#include "stub.h"
