#define STUB_NAME "walls"
#define STUB_REQUIRES "ground"
#include "stub.h"
