/* The AWS SDK for Java 2 with its defaults, synchronous and asynchronous, its
 * multipart uploads and its transfer manager. */
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.*;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;
import software.amazon.awssdk.transfer.s3.S3TransferManager;

class AwsSdk {
	static final URI AT = URI.create(System.getenv("S3_URL"));
	static final String BUCKET = "java-" + ProcessHandle.current().pid();
	static final S3Client s3 = S3Client.builder().endpointOverride(AT)
	    .region(Region.US_EAST_1).forcePathStyle(true).build();

	static byte[] random(int size)
	{
		byte[] b = new byte[size];
		new Random(size).nextBytes(b);
		return b;
	}

	static void is(Object got, Object want)
	{
		if (!got.equals(want))
			throw new AssertionError(got + ", not " + want);
	}

	static void same(byte[] got, byte[] want) throws Exception
	{
		MessageDigest d = MessageDigest.getInstance("SHA-256");
		String sum = HexFormat.of().formatHex(d.digest(got));

		is(sum, HexFormat.of().formatHex(d.digest(want)));
	}

	static byte[] get(String key)
	{
		return s3.getObjectAsBytes(r -> r.bucket(BUCKET).key(key))
		    .asByteArray();
	}

	static void objects() throws Exception
	{
		for (int size : new int[] { 0, 1, 70000, 5000000 }) {
			PutObjectResponse put = s3.putObject(r -> r
			    .bucket(BUCKET).key("ä b+&.bin")
			    .metadata(Map.of("a", "b")),
			    RequestBody.fromBytes(random(size)));

			if (put.checksumCRC32() == null)
				throw new AssertionError("no CRC32");
			same(get("ä b+&.bin"), random(size));
		}
		for (ChecksumAlgorithm a : List.of(ChecksumAlgorithm.SHA1,
		    ChecksumAlgorithm.SHA256, ChecksumAlgorithm.CRC32)) {
			s3.putObject(r -> r.bucket(BUCKET).key("sum")
			    .checksumAlgorithm(a),
			    RequestBody.fromBytes(random(1000)));
			same(get("sum"), random(1000));
		}
		same(s3.getObjectAsBytes(r -> r.bucket(BUCKET).key("ä b+&.bin")
		    .range("bytes=1000-1999")).asByteArray(),
		    Arrays.copyOfRange(random(5000000), 1000, 2000));
		s3.copyObject(r -> r.sourceBucket(BUCKET)
		    .sourceKey("ä b+&.bin").destinationBucket(BUCKET)
		    .destinationKey("copy"));
		HeadObjectResponse head = s3.headObject(r -> r.bucket(BUCKET)
		    .key("copy"));
		is(head.contentLength(), 5000000L);
		is(head.metadata(), Map.of("a", "b"));
		try {
			get("none");
			throw new AssertionError("none is there");
		} catch (NoSuchKeyException e) {
			is(e.statusCode(), 404);
		}
		try {
			s3.putObject(r -> r.bucket(BUCKET).key("copy")
			    .ifNoneMatch("*"), RequestBody.fromString("x"));
			throw new AssertionError("overwrote");
		} catch (S3Exception e) {
			is(e.awsErrorDetails().errorCode(),
			    "PreconditionFailed");
		}
	}

	static void multipart() throws Exception
	{
		byte[] data = random(20 << 20);
		try (S3AsyncClient async = S3AsyncClient.builder()
		    .endpointOverride(AT).region(Region.US_EAST_1)
		    .forcePathStyle(true).multipartEnabled(true).build()) {
			PutObjectResponse put = async.putObject(r -> r
			    .bucket(BUCKET).key("large"),
			    AsyncRequestBody.fromBytes(data)).join();

			if (!put.eTag().endsWith("-3\""))
				throw new AssertionError(put.eTag());
			same(async.getObject(r -> r.bucket(BUCKET)
			    .key("large"), AsyncResponseTransformer.toBytes())
			    .join().asByteArray(), data);
			transfers(async, data);
		}
	}

	static void transfers(S3AsyncClient async, byte[] data)
	    throws Exception
	{
		Path dir = Files.createTempDirectory("java");
		Path from = Files.createDirectories(dir.resolve("tree/sub"));

		Files.write(from.resolve("large"), data);
		Files.write(dir.resolve("tree/small"), random(1000));
		try (S3TransferManager tm = S3TransferManager.builder()
		    .s3Client(async).build()) {
			is(tm.uploadDirectory(r -> r.source(dir.resolve("tree"))
			    .bucket(BUCKET).s3Prefix("tree")).completionFuture()
			    .join().failedTransfers().size(), 0);
			is(tm.downloadDirectory(r -> r.bucket(BUCKET)
			    .destination(dir.resolve("back"))
			    .listObjectsV2RequestTransformer(l -> l
			    .prefix("tree/"))).completionFuture().join()
			    .failedTransfers().size(), 0);
			tm.copy(r -> r.copyObjectRequest(c -> c
			    .sourceBucket(BUCKET).sourceKey("tree/sub/large")
			    .destinationBucket(BUCKET).destinationKey("moved")))
			    .completionFuture().join();
		}
		same(Files.readAllBytes(dir.resolve("back/sub/large")), data);
		same(Files.readAllBytes(dir.resolve("back/small")),
		    random(1000));
		same(get("moved"), data);
	}

	static void presigned() throws Exception
	{
		try (S3Presigner p = S3Presigner.builder().endpointOverride(AT)
		    .region(Region.US_EAST_1).serviceConfiguration(
		    software.amazon.awssdk.services.s3.S3Configuration
		    .builder().pathStyleAccessEnabled(true).build()).build()) {
			same(p.presignGetObject(r -> r.signatureDuration(
			    java.time.Duration.ofMinutes(1)).getObjectRequest(
			    g -> g.bucket(BUCKET).key("copy"))).url()
			    .openStream().readAllBytes(), random(5000000));
		}
	}

	static void lists()
	{
		List<String> keys = s3.listObjectsV2Paginator(r -> r
		    .bucket(BUCKET).maxKeys(2)).contents().stream()
		    .map(S3Object::key).toList();

		is(keys, List.of("copy", "large", "moved", "sum", "tree/small",
		    "tree/sub/large", "ä b+&.bin"));
		is(s3.listObjectsV2(r -> r.bucket(BUCKET).delimiter("/"))
		    .commonPrefixes().get(0).prefix(), "tree/");
	}

	static void versions()
	{
		s3.putBucketVersioning(r -> r.bucket(BUCKET)
		    .versioningConfiguration(v -> v
		    .status(BucketVersioningStatus.ENABLED)));
		String old = s3.putObject(r -> r.bucket(BUCKET).key("v"),
		    RequestBody.fromString("1")).versionId();
		s3.putObject(r -> r.bucket(BUCKET).key("v"),
		    RequestBody.fromString("2"));
		is(s3.getObjectAsBytes(r -> r.bucket(BUCKET).key("v")
		    .versionId(old)).asUtf8String(), "1");
		s3.putObjectTagging(r -> r.bucket(BUCKET).key("v")
		    .versionId(old).tagging(t -> t.tagSet(g -> g.key("k")
		    .value("w"))));
		is(s3.getObjectTagging(r -> r.bucket(BUCKET).key("v")
		    .versionId(old)).tagSet().get(0).value(), "w");
		s3.deleteObject(r -> r.bucket(BUCKET).key("v"));
		is(s3.listObjectVersions(r -> r.bucket(BUCKET).prefix("v"))
		    .deleteMarkers().size(), 1);
	}

	static void clear()
	{
		s3.listObjectVersionsPaginator(r -> r.bucket(BUCKET)
		    .maxKeys(3)).forEach(page -> {
			List<ObjectIdentifier> all = new java.util.ArrayList<>();

			page.versions().forEach(v -> all.add(ObjectIdentifier
			    .builder().key(v.key()).versionId(v.versionId())
			    .build()));
			page.deleteMarkers().forEach(v -> all.add(
			    ObjectIdentifier.builder().key(v.key())
			    .versionId(v.versionId()).build()));
			is(s3.deleteObjects(r -> r.bucket(BUCKET).delete(d -> d
			    .objects(all))).errors().size(), 0);
		});
		s3.deleteBucket(r -> r.bucket(BUCKET));
	}

	public static void main(String[] args) throws Exception
	{
		s3.createBucket(r -> r.bucket(BUCKET));
		objects();
		multipart();
		presigned();
		lists();
		versions();
		clear();
	}
}
