#define STUB_NAME "roof"
#define STUB_REQUIRES "walls", "ground"
#include "stub.h"
