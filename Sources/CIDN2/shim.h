#ifndef BATON_CIDN2_SHIM_H
#define BATON_CIDN2_SHIM_H
#define SKIP_LIBIDN_COMPAT
#include <idn2.h>
#endif
