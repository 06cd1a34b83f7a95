#include "codec/versions.h"

#include <stdio.h>

#include "base/checksum.h"
#include "codec/highway.h"
#include "codec/rs.h"

const char *
versions_text(void)
{
	static char text[128];

	(void)snprintf(text, sizeof(text),
	    "isa-l (%s), HighwayHash-256 (%s), CRC-64/NVME (%s)", rs_kernel(),
	    highway_kernel(), checksum_crc64nvme_kernel());
	return text;
}
