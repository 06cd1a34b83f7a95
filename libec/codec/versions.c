#include "codec/versions.h"

#include <stdio.h>

#include "base/checksum.h"
#include "base/digest.h"
#include "codec/highway.h"
#include "codec/rs.h"
#include "codec/rs_kernel.h"

const char *
versions_text(void)
{
	static char text[256];

	(void)snprintf(text, sizeof(text), "isa-l %s\n%s\n"
	    "Reed-Solomon: %s, HighwayHash-256: %s, CRC-64/NVME: %s",
	    rs_isal_version(), digest_library(), rs_kernel(),
	    highway_kernel(), checksum_crc64nvme_kernel());
	return text;
}
