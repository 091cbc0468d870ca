// crc32_iscsi is CRC32C (RFC 3720 appendix B.4) with the processor's own instructions.
#include <isa-l/crc.h>
// Deflate (RFC 1951) for the archives.
#include <isa-l/igzip_lib.h>

// Macros made of macros are not seen from Swift.
static const unsigned int CISALLevelOneBuffer = ISAL_DEF_LVL1_DEFAULT;
