// @aws-sdk/client-s3 with its defaults, lib-storage and the presigner.
import assert from "node:assert";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import * as S3 from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const client = new S3.S3Client({ endpoint: process.env.S3_URL,
	region: "us-east-1", forcePathStyle: true });
const Bucket = "js-" + process.pid;
const send = (name, input) => client.send(new S3[name]({ Bucket, ...input }));
const sum = (b) => createHash("sha256").update(b).digest("hex");
const bytes = async (r) => Buffer.from(await r.Body.transformToByteArray());

await send("CreateBucketCommand");
for (const size of [0, 1, 70000, 5000000]) {
	const data = randomBytes(size);
	await send("PutObjectCommand", { Key: "ä b+&.bin", Body: data });
	const got = await send("GetObjectCommand", { Key: "ä b+&.bin" });
	assert.equal(sum(await bytes(got)), sum(data));
}
const large = randomBytes(17 * 1024 * 1024);
await new Upload({ client, params: { Bucket, Key: "large",
	Body: Readable.from([large.subarray(0, 1e6), large.subarray(1e6)]) },
}).done();
assert.equal(sum(await bytes(await send("GetObjectCommand",
	{ Key: "large" }))), sum(large));
const part = await send("GetObjectCommand", { Key: "large",
	Range: "bytes=1000000-1000099" });
assert.deepEqual(await bytes(part), large.subarray(1000000, 1000100));
await send("CopyObjectCommand", { Key: "copy",
	CopySource: `${Bucket}/large`, MetadataDirective: "REPLACE",
	Metadata: { a: "b" } });
const head = await send("HeadObjectCommand", { Key: "copy" });
assert.equal(head.ContentLength, large.length);
assert.deepEqual(head.Metadata, { a: "b" });
await assert.rejects(send("GetObjectCommand", { Key: "none" }),
	{ name: "NoSuchKey" });

const url = await getSignedUrl(client, new S3.GetObjectCommand({ Bucket,
	Key: "copy" }), { expiresIn: 60 });
assert.equal(sum(Buffer.from(await (await fetch(url)).arrayBuffer())),
	sum(large));

await send("PutBucketVersioningCommand",
	{ VersioningConfiguration: { Status: "Enabled" } });
const v1 = (await send("PutObjectCommand", { Key: "v", Body: "1" })).VersionId;
await send("PutObjectCommand", { Key: "v", Body: "2" });
assert.equal(String(await bytes(await send("GetObjectCommand",
	{ Key: "v", VersionId: v1 }))), "1");
await send("PutObjectTaggingCommand", { Key: "v", VersionId: v1,
	Tagging: { TagSet: [{ Key: "k", Value: "w" }] } });
assert.deepEqual((await send("GetObjectTaggingCommand",
	{ Key: "v", VersionId: v1 })).TagSet, [{ Key: "k", Value: "w" }]);

const all = [];
for await (const page of S3.paginateListObjectsV2({ client, pageSize: 2 },
	{ Bucket }))
	all.push(...page.Contents.map((o) => o.Key));
assert.deepEqual(all, ["copy", "large", "v", "ä b+&.bin"]);
const versions = await send("ListObjectVersionsCommand");
await send("DeleteObjectsCommand", { Delete: { Objects:
	versions.Versions.map(({ Key, VersionId }) => ({ Key, VersionId })) } });
await send("DeleteBucketCommand");
