#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "s3_time.h"

static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
	"Sat" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

const char *
s3_time_http(char buf[S3_TIME_TEXT_BYTES], uint64_t real_us)
{
	time_t t = (time_t)(real_us / 1000000);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year > 9999 - 1900)
		memset(&tm, 0, sizeof(tm));
	snprintf(buf, S3_TIME_TEXT_BYTES,
	    "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
	    days[(unsigned)tm.tm_wday % 7], (unsigned)tm.tm_mday % 100,
	    months[(unsigned)tm.tm_mon % 12],
	    (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
	    (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
	return buf;
}

/* strptime takes a number with blanks before it and ignores the rest, so the
 * form is checked by writing the result out again where it matters. */
static enum err
parse_with(int64_t *out, const char *text, const char *format)
{
	struct tm tm = { .tm_mday = 1 };
	const char *end = strptime(text, format, &tm);
	time_t t;

	if (end == NULL || *end != '\0')
		return EC_EINVAL;
	t = timegm(&tm);
	if (t < 0)
		return EC_EINVAL;
	*out = t;
	return EC_OK;
}

enum err
s3_time_parse_http(int64_t *out, const char *text)
{
	if (parse_with(out, text, "%a, %d %b %Y %H:%M:%S GMT") == EC_OK ||
	    parse_with(out, text, "%A, %d-%b-%y %H:%M:%S GMT") == EC_OK ||
	    parse_with(out, text, "%a %b %e %H:%M:%S %Y") == EC_OK)
		return EC_OK;
	return EC_EINVAL;
}

enum err
s3_time_parse_amz(int64_t *out, const char *text)
{
	static const char form[] = "dddddddd" "T" "dddddd" "Z";
	size_t i;

	if (strlen(text) != sizeof(form) - 1)
		return EC_EINVAL;
	for (i = 0; form[i] != '\0'; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) :
		    text[i] != form[i])
			return EC_EINVAL;
	return parse_with(out, text, "%Y%m%dT%H%M%SZ");
}

/* "Z", "+hh:mm" or nothing; the seconds to take off. */
static bool
zone(const char *text, int64_t *east)
{
	unsigned h, m;
	char sign;
	int used = 0;

	*east = 0;
	if (text[0] == '\0' || strcmp(text, "Z") == 0)
		return true;
	if (sscanf(text, "%c%2u:%2u%n", &sign, &h, &m, &used) != 3 ||
	    text[used] != '\0' || h > 14 || m > 59 ||
	    (sign != '+' && sign != '-'))
		return false;
	*east = (int64_t)(h * 3600 + m * 60) * (sign == '+' ? 1 : -1);
	return true;
}

enum err
s3_time_parse_iso(int64_t *out, const char *text)
{
	struct tm tm = { .tm_mday = 1 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t east;
	time_t t;

	if (end == NULL)
		return EC_EINVAL;
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (!zone(end, &east) || (t = timegm(&tm)) < 0)
		return EC_EINVAL;
	*out = t - east;
	return EC_OK;
}

const char *
s3_time_iso(char buf[S3_TIME_TEXT_BYTES], int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(buf, S3_TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		buf[0] = '\0';
	return buf;
}
