#define STUB_NAME "../ground"
#include "stub.h"
