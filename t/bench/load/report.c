#include "report.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/num.h"

typedef double figure(const struct block *b);

static double
rate(const struct block *b)
{
	return (double)b->ops / b->seconds;
}

static double
mib_rate(const struct block *b)
{
	return (double)b->bytes / b->seconds / 1048576;
}

static double
per_op(const struct block *b, double v)
{
	return b->ops > 0 ? v / (double)b->ops : 0;
}

static double
cpu_us(const struct block *b)
{
	return per_op(b, b->spent.cpu_s * 1e6);
}

static double
cpu_gib(const struct block *b)
{
	return b->bytes > 0 ? b->spent.cpu_s * 1073741824 /
	    (double)b->bytes : 0;
}

static double
flushes(const struct block *b)
{
	return per_op(b, (double)b->spent.flushes);
}

static double
switches(const struct block *b)
{
	return per_op(b, (double)b->spent.switches);
}

static double
calls(const struct block *b)
{
	return per_op(b, (double)b->spent.calls);
}

static double
written(const struct block *b)
{
	return b->bytes > 0 ? (double)b->spent.written / (double)b->bytes : 0;
}

static double
peak(const struct block *b)
{
	return b->spent.peak_mib;
}

static double
p50(const struct block *b)
{
	return latency_at(&b->latency, 0.5) / 1000;
}

static double
p99(const struct block *b)
{
	return latency_at(&b->latency, 0.99) / 1000;
}

static double
p999(const struct block *b)
{
	return latency_at(&b->latency, 0.999) / 1000;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median_of(double v[], unsigned n)
{
	if (n == 0)
		return 0;
	qsort(v, n, sizeof(*v), compare);
	return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

static double
median(const struct report_blocks *bs, figure *f)
{
	double v[REPORT_BLOCKS_MAX];

	for (unsigned i = 0; i < bs->n; i++)
		v[i] = f(bs->block[i]);
	return median_of(v, bs->n);
}

static double
ratio(const struct report_row *row, figure *f)
{
	const struct report_blocks *a = &row->of[0], *b = &row->of[1];
	double v[REPORT_BLOCKS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < a->n && i < b->n; i++)
		if (f(b->block[i]) > 0)
			v[n++] = f(a->block[i]) / f(b->block[i]);
	return median_of(v, n);
}

void
report_head(void)
{
	printf("%-30s %8s %8s %7s %7s %7s %5s %7s %6s %6s %6s %6s %6s %6s\n",
	    "", "ops/s", "MiB/s", "p50 ms", "p99", "p99.9", "error",
	    "cpu us", "s/GiB", "MiB", "flush", "switch", "calls", "writ.");
}

static void
print_one(const struct report *r, const struct report_row *row, unsigned t)
{
	const struct report_blocks *bs = &row->of[t];
	unsigned long long errors = 0;
	char size[16], what[64];

	for (unsigned i = 0; i < bs->n; i++)
		errors += bs->block[i]->errors;
	snprintf(what, sizeof(what), "%s %s c%u %s", plan_names[row->work],
	    num_size_text(size, sizeof(size), row->size), row->clients,
	    r->name[t]);
	printf("%-30.40s %8.0f %8.1f %7.2f %7.2f %7.2f %5llu %7.1f %6.2f "
	    "%6.0f %6.2f %6.1f %6.1f %6.2f\n", what, median(bs, rate),
	    median(bs, mib_rate), median(bs, p50), median(bs, p99),
	    median(bs, p999), errors, median(bs, cpu_us),
	    median(bs, cpu_gib), median(bs, peak), median(bs, flushes),
	    median(bs, switches), median(bs, calls), median(bs, written));
}

void
report_print(const struct report *r, const struct report_row *row)
{
	for (unsigned t = 0; t < r->targets; t++)
		print_one(r, row, t);
	if (r->targets == 2)
		printf("%-30s %8.2f %8s %7.2f %7.2f %7.2f %5s %7.2f\n",
		    "  the first by the second", ratio(row, rate), "",
		    ratio(row, p50), ratio(row, p99), ratio(row, p999), "",
		    ratio(row, cpu_us));
	fflush(stdout);
}

static enum err
json_block(struct buf *b, const struct report *r, const struct report_row *row,
    unsigned t, unsigned i)
{
	const struct block *k = row->of[t].block[i];
	const struct watch *w = &k->spent;

	json_open(b, NULL);
	json_str(b, "workload", plan_names[row->work]);
	json_u64(b, "size", row->size);
	json_u64(b, "clients", row->clients);
	json_str(b, "endpoint", r->name[t]);
	json_u64(b, "block", i);
	json_u64(b, "ops", k->ops);
	json_u64(b, "bytes", k->bytes);
	json_u64(b, "errors", k->errors);
	json_u64(b, "elapsed_us", (uint64_t)(k->seconds * 1e6));
	json_u64(b, "p50_us", (uint64_t)latency_at(&k->latency, 0.5));
	json_u64(b, "p99_us", (uint64_t)latency_at(&k->latency, 0.99));
	json_u64(b, "p999_us", (uint64_t)latency_at(&k->latency, 0.999));
	json_u64(b, "cpu_us", (uint64_t)(w->cpu_s * 1e6));
	json_u64(b, "peak_kib", (uint64_t)(w->peak_mib * 1024));
	json_u64(b, "anon_kib", (uint64_t)(w->anon_mib * 1024));
	json_u64(b, "flushes", w->flushes);
	json_u64(b, "switches", w->switches);
	json_u64(b, "calls", w->calls);
	json_u64(b, "written", w->written);
	return json_close(b);
}

static enum err
json_line(const struct report *r, const struct report_row *row, unsigned t,
    unsigned i, FILE *f)
{
	struct buf b = BUF_INIT(4096);
	enum err e = json_block(&b, r, row, t, i);

	if (e == EC_OK)
		fprintf(f, "%.*s\n", (int)b.len, (const char *)b.data);
	buf_release(&b);
	return e;
}

enum err
report_json(const struct report *r, FILE *f)
{
	enum err e = EC_OK;

	for (unsigned row = 0; row < r->rows; row++)
		for (unsigned t = 0; t < r->targets; t++)
			for (unsigned i = 0; i < r->row[row].of[t].n &&
			    e == EC_OK; i++)
				e = json_line(r, &r->row[row], t, i, f);
	return e;
}

enum { PLOT_LEFT = 190, PLOT_WIDE = 420, PLOT_ROW = 46, PLOT_BAR = 16 };
static const char *const plot_colors[REPORT_TARGETS_MAX] = { "#2a6f97",
	"#c9a227" };

/* Bars of one workload share a scale: the longest is as wide as there is. */
static void
plot_row(const struct report *r, unsigned i, FILE *f)
{
	const struct report_row *row = &r->row[i];
	unsigned y = 40 + i * PLOT_ROW;
	double most = 0;
	char size[16];

	for (unsigned t = 0; t < r->targets; t++)
		if (median(&row->of[t], rate) > most)
			most = median(&row->of[t], rate);
	fprintf(f, "<text x=\"%d\" y=\"%u\" text-anchor=\"end\">%s %s, %u"
	    "</text>\n", PLOT_LEFT - 8, y + 20, plan_names[row->work],
	    num_size_text(size, sizeof(size), row->size), row->clients);
	for (unsigned t = 0; t < r->targets; t++) {
		double v = median(&row->of[t], rate);
		double wide = most > 0 ? v / most * PLOT_WIDE : 0;
		unsigned top = y + t * (PLOT_BAR + 2);

		fprintf(f, "<rect x=\"%d\" y=\"%u\" width=\"%.1f\" "
		    "height=\"%d\" fill=\"%s\"/>\n<text x=\"%.1f\" "
		    "y=\"%u\">%.0f/s, %.1f MiB/s</text>\n", PLOT_LEFT, top,
		    wide, PLOT_BAR, plot_colors[t], PLOT_LEFT + wide + 6,
		    top + 12, v, median(&row->of[t], mib_rate));
	}
}

void
report_plot(const struct report *r, FILE *f)
{
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
	    "height=\"%u\" font-family=\"sans-serif\" font-size=\"12\">\n"
	    "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
	    PLOT_LEFT + PLOT_WIDE + 160, 50 + r->rows * PLOT_ROW);
	for (unsigned t = 0; t < r->targets; t++)
		fprintf(f, "<text x=\"%u\" y=\"20\" fill=\"%s\" "
		    "font-weight=\"bold\">%s</text>\n", PLOT_LEFT + t * 200,
		    plot_colors[t], r->name[t]);
	for (unsigned i = 0; i < r->rows; i++)
		plot_row(r, i, f);
	fputs("</svg>\n", f);
}
