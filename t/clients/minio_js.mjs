// The minio JavaScript client.
import assert from "node:assert";
import { createHash, randomBytes } from "node:crypto";
import * as Minio from "minio";

const at = new URL(process.env.S3_URL);
const client = new Minio.Client({ endPoint: at.hostname, port: Number(at.port),
	useSSL: false, accessKey: process.env.AWS_ACCESS_KEY_ID,
	secretKey: process.env.AWS_SECRET_ACCESS_KEY });
const bucket = "minio-js-" + process.pid;
const sum = (b) => createHash("sha256").update(b).digest("hex");

async function collect(stream) {
	const chunks = [];
	for await (const c of stream)
		chunks.push(c);
	return chunks;
}

await client.makeBucket(bucket, "us-east-1");
assert.ok(await client.bucketExists(bucket));
for (const size of [0, 1, 70000, 17 * 1024 * 1024]) {
	const data = randomBytes(size);
	await client.putObject(bucket, "a/b c.bin", data, size, { X: "y" });
	const got = Buffer.concat(await collect(await client.getObject(bucket,
		"a/b c.bin")));
	assert.equal(sum(got), sum(data));
}
assert.equal((await client.statObject(bucket, "a/b c.bin")).size,
	17 * 1024 * 1024);
await client.copyObject(bucket, "copy", `/${bucket}/a/b c.bin`);
await client.setBucketVersioning(bucket, { Status: "Enabled" });
await client.setObjectTagging(bucket, "copy", { k: "v" });
assert.deepEqual(await client.getObjectTagging(bucket, "copy"),
	[{ Key: "k", Value: "v" }]);
const url = await client.presignedGetObject(bucket, "copy", 60);
assert.equal((await (await fetch(url)).arrayBuffer()).byteLength,
	17 * 1024 * 1024);
const listed = await collect(client.listObjectsV2(bucket, "", true));
assert.deepEqual(listed.map((o) => o.name), ["a/b c.bin", "copy"]);
const versions = await collect(client.listObjects(bucket, "", true,
	{ IncludeVersion: true }));
for (const v of versions)
	await client.removeObject(bucket, v.name, { versionId: v.versionId });
await client.removeBucket(bucket);
