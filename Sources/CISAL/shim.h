// crc32_iscsi is CRC32C (RFC 3720 appendix B.4) with the processor's own instructions.
#include <isa-l/crc.h>
