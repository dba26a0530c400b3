#define STUB_NAME "other"
#define STUB_ABI (MODULE_ABI + 1)
#include "stub.h"
