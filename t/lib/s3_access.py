#!/usr/bin/env python3
"""Access control as clients see it: users, policies, lists, blocks, ownership.

s3_access.py URL GROUP: the checks of one group against a server that knows the
users main, alt and tiny (see t/5500-s3d-access.bats); says which fail.
"""
import json
import os
import sys
import urllib.error
import urllib.request

import boto3
from botocore import UNSIGNED
from botocore.client import Config
from botocore.exceptions import ClientError

URL = sys.argv[1]
MAIN = os.environ['MAIN_ID']
ALT = os.environ['ALT_ID']
ALL = 'http://acs.amazonaws.com/groups/global/AllUsers'
AUTHENTICATED = ('http://acs.amazonaws.com/groups/global/'
                 'AuthenticatedUsers')
failures = []
count = 0


def client(key=None, secret=None, token=None):
    how = {'s3': {'addressing_style': 'path'}, 'retries': {'max_attempts': 1}}
    if key is None:
        how['signature_version'] = UNSIGNED
    return boto3.client('s3', endpoint_url=URL, aws_access_key_id=key,
                        aws_secret_access_key=secret, aws_session_token=token,
                        config=Config(**how))


root = client(os.environ['EC_ROOT_USER'], os.environ['EC_ROOT_PASSWORD'])
main = client('MAINKEY', 'main-secret')
alt = client('ALTKEY', 'alt-secret')
nobody = client()


def check(good, what):
    global count
    count += 1
    if not good:
        failures.append(what)
        print('FAILED:', what)


def same(got, want, what):
    check(got == want, '%s: %r, want %r' % (what, got, want))


def fails(code, what, call, **how):
    """The call must be refused with this code."""
    try:
        call(**how)
    except ClientError as e:
        same(e.response['Error']['Code'], code, what)
        return
    check(False, '%s: was done, want %s' % (what, code))


def works(what, call, **how):
    try:
        answer = call(**how)
        check(True, what)
        return answer
    except ClientError as e:
        check(False, '%s: %s' % (what, e))
        return {}


def grants(answer):
    out = []
    for g in answer.get('Grants', []):
        who = g['Grantee']
        out.append((who.get('ID') or who.get('URI'), g['Permission']))
    return sorted(out)


serial = 0


def bucket(**how):
    global serial
    serial += 1
    name = 'box-%d-%d' % (os.getpid(), serial)
    main.create_bucket(Bucket=name, **how)
    return name


def put(who, b, key, **how):
    return who.put_object(Bucket=b, Key=key, Body=b'data', **how)


def allow(action, b, principal='*', effect='Allow', **more):
    s = {'Effect': effect, 'Principal': principal, 'Action': action,
         'Resource': ['arn:aws:s3:::' + b, 'arn:aws:s3:::' + b + '/*']}
    s.update(more)
    return json.dumps({'Version': '2012-10-17', 'Statement': [s]})


def group_owners():
    b = bucket()
    put(main, b, 'key')
    a = main.get_bucket_acl(Bucket=b)
    same(a['Owner'], {'ID': MAIN, 'DisplayName': 'M. Tester'}, 'owner')
    same(grants(a), [(MAIN, 'FULL_CONTROL')], 'default list of a bucket')
    a = main.get_object_acl(Bucket=b, Key='key')
    same(grants(a), [(MAIN, 'FULL_CONTROL')], 'default list of an object')
    same(main.list_buckets()['Owner']['ID'], MAIN, 'owner in ListBuckets')
    names = [x['Name'] for x in alt.list_buckets()['Buckets']]
    check(b not in names, 'alt does not see the buckets of main')
    names = [x['Name'] for x in root.list_buckets()['Buckets']]
    check(b in names, 'root sees all buckets')
    same(main.list_objects(Bucket=b)['Contents'][0]['Owner']['ID'], MAIN,
         'owner in ListObjects')
    c = bucket(ACL='public-read-write')
    put(alt, c, 'a')
    put(main, c, 'b')
    for call, of, how in ((main.list_objects, 'Contents', {}),
                          (main.list_objects_v2, 'Contents',
                           {'FetchOwner': True}),
                          (main.list_object_versions, 'Versions', {})):
        same([x['Owner'] for x in call(Bucket=c, **how)[of]],
             [{'ID': ALT, 'DisplayName': 'alt'},
              {'ID': MAIN, 'DisplayName': 'M. Tester'}], 'owners in lists')
    check('Owner' not in main.list_objects_v2(Bucket=c)['Contents'][0],
          'no owner that was not asked for')
    fails('BucketAlreadyExists', 'a bucket of another', alt.create_bucket,
          Bucket=b)
    for call, how in ((alt.list_objects, {}), (alt.get_bucket_acl, {}),
                      (alt.get_object, {'Key': 'key'}),
                      (alt.get_object, {'Key': 'absent'}),
                      (alt.delete_object, {'Key': 'key'}),
                      (alt.delete_bucket, {}), (alt.get_bucket_policy, {}),
                      (nobody.list_objects, {}),
                      (nobody.get_object, {'Key': 'key'}),
                      (nobody.delete_object, {'Key': 'key'})):
        fails('AccessDenied', 'others', call, Bucket=b, **how)
    fails('403', 'HEAD by others', alt.head_bucket, Bucket=b)
    fails('AccessDenied', 'PUT by others', put, who=alt, b=b, key='x')
    fails('AccessDenied', 'PUT by nobody', put, who=nobody, b=b, key='x')
    fails('AccessDenied', 'ListBuckets by nobody', nobody.list_buckets)
    fails('NoSuchBucket', 'no bucket, nobody', nobody.get_object,
          Bucket='no-such-bucket', Key='x')
    fails('NoSuchKey', 'no key, owner', main.get_object, Bucket=b, Key='no')
    d = alt.delete_objects(Bucket=b, Delete={'Objects': [{'Key': 'key'}]})
    same([e['Code'] for e in d.get('Errors', [])], ['AccessDenied'],
         'bulk delete by others')
    c = 'alt-%s' % b
    alt.create_bucket(Bucket=c)
    fails('AccessDenied', 'copy from what may not be read', alt.copy_object,
          Bucket=c, Key='stolen', CopySource='%s/key' % b)
    fails('AccessDenied', 'copy from what is not there', alt.copy_object,
          Bucket=c, Key='stolen', CopySource='%s/absent' % b)
    fails('AccessDenied', 'another owner is expected', main.list_objects,
          Bucket=b, ExpectedBucketOwner=ALT)
    works('the owner is expected', main.list_objects, Bucket=b,
          ExpectedBucketOwner=MAIN)
    how = dict(Bucket=b, Key='copy', CopySource='%s/key' % b)
    fails('AccessDenied', 'another owner of the source is expected',
          main.copy_object, ExpectedSourceBucketOwner=ALT, **how)
    works('the owner of the source is expected', main.copy_object,
          ExpectedSourceBucketOwner=MAIN, **how)
    how.update(UploadId=main.create_multipart_upload(
        Bucket=b, Key='copy')['UploadId'], PartNumber=1)
    fails('AccessDenied', 'another owner of the source of a part',
          main.upload_part_copy, ExpectedSourceBucketOwner=ALT, **how)


def group_acl():
    b = bucket(ACL='public-read')
    same(grants(main.get_bucket_acl(Bucket=b)),
         sorted([(MAIN, 'FULL_CONTROL'), (ALL, 'READ')]), 'public-read')
    put(main, b, 'open', ACL='public-read')
    put(main, b, 'closed')
    works('public list', nobody.list_objects, Bucket=b)
    works('public object', nobody.get_object, Bucket=b, Key='open')
    fails('AccessDenied', 'private object', nobody.get_object, Bucket=b,
          Key='closed')
    fails('NoSuchKey', 'who may list knows what is not there',
          nobody.get_object, Bucket=b, Key='absent')
    fails('AccessDenied', 'PUT into public-read', put, who=alt, b=b, key='x')
    main.put_bucket_acl(Bucket=b, ACL='private')
    fails('AccessDenied', 'private again', nobody.list_objects, Bucket=b)

    b = bucket(ACL='public-read-write')
    works('anonymous PUT', put, who=nobody, b=b, key='x')
    works('PUT by another', put, who=alt, b=b, key='y',
          ACL='bucket-owner-read')
    same(grants(alt.get_object_acl(Bucket=b, Key='y')),
         sorted([(ALT, 'FULL_CONTROL'), (MAIN, 'READ')]),
         'bucket-owner-read')
    works('what the owner was given', main.get_object, Bucket=b, Key='y')
    put(alt, b, 'z')
    fails('AccessDenied', "another's object", main.get_object, Bucket=b,
          Key='z')
    works('but may be removed', main.delete_object, Bucket=b, Key='z')

    b = bucket()
    policy = main.get_bucket_acl(Bucket=b)
    owner = policy['Owner']

    def give(grantee, permission):
        main.put_bucket_acl(Bucket=b, AccessControlPolicy={
            'Owner': owner, 'Grants': policy['Grants'] + [
                {'Grantee': grantee, 'Permission': permission}]})

    user = {'Type': 'CanonicalUser', 'ID': ALT}
    give(user, 'READ')
    works('READ', alt.list_objects, Bucket=b)
    fails('AccessDenied', 'READ is not WRITE', put, who=alt, b=b, key='x')
    fails('AccessDenied', 'READ is not READ_ACP', alt.get_bucket_acl,
          Bucket=b)
    give(user, 'WRITE')
    works('WRITE', put, who=alt, b=b, key='x')
    fails('AccessDenied', 'WRITE is not READ', alt.list_objects, Bucket=b)
    give(user, 'READ_ACP')
    works('READ_ACP', alt.get_bucket_acl, Bucket=b)
    give(user, 'FULL_CONTROL')
    works('WRITE_ACP', alt.put_bucket_acl, Bucket=b, ACL='private')
    fails('AccessDenied', 'and it is gone', alt.get_bucket_acl, Bucket=b)
    give({'Type': 'AmazonCustomerByEmail', 'EmailAddress': 'alt@example.org'},
         'READ')
    check((ALT, 'READ') in grants(main.get_bucket_acl(Bucket=b)), 'by e-mail')
    fails('UnresolvableGrantByEmailAddress', 'no such e-mail', give,
          grantee={'Type': 'AmazonCustomerByEmail', 'EmailAddress': 'no@no'},
          permission='READ')
    fails('InvalidArgument', 'no such id', give,
          grantee={'Type': 'CanonicalUser', 'ID': '_foo'}, permission='READ')
    give({'Type': 'Group', 'URI': AUTHENTICATED}, 'READ')
    works('authenticated', alt.list_objects, Bucket=b)
    fails('AccessDenied', 'not authenticated', nobody.list_objects, Bucket=b)
    put(main, b, 'mine')
    main.put_bucket_acl(Bucket=b, AccessControlPolicy={'Owner': owner,
                                                       'Grants': []})
    works('no grants: own objects', main.get_object, Bucket=b, Key='mine')
    fails('AccessDenied', 'no grants: no WRITE', put, who=main, b=b, key='x')
    works('no grants: the list', main.get_bucket_acl, Bucket=b)
    works('no grants: set it', main.put_bucket_acl, Bucket=b, ACL='private')

    b = bucket(GrantRead='id="%s"' % ALT, GrantWrite='id=%s' % ALT)
    same(grants(main.get_bucket_acl(Bucket=b)),
         sorted([(ALT, 'READ'), (ALT, 'WRITE')]), 'grants in headers')
    put(alt, b, 'k', GrantFullControl='id=%s' % MAIN)
    same(grants(main.get_object_acl(Bucket=b, Key='k')),
         [(MAIN, 'FULL_CONTROL')], 'grants of an object')
    fails('InvalidRequest', 'canned and grants', main.put_bucket_acl,
          Bucket=b, ACL='private', GrantRead='id=%s' % ALT)
    fails('InvalidArgument', 'no such canned list', main.put_bucket_acl,
          Bucket=b, ACL='public-ready')


def group_policy():
    b = bucket()
    put(main, b, 'key')
    put(main, b, 'dir/key')
    fails('NoSuchBucketPolicy', 'none', main.get_bucket_policy, Bucket=b)
    p = allow('s3:ListBucket', b)
    main.put_bucket_policy(Bucket=b, Policy=p)
    same(main.get_bucket_policy(Bucket=b)['Policy'], p, 'as it was put')
    works('everybody may list', nobody.list_objects_v2, Bucket=b)
    fails('AccessDenied', 'but not get', nobody.get_object, Bucket=b,
          Key='key')
    main.put_bucket_policy(Bucket=b, Policy=allow(
        's3:GetObject', b, {'AWS': 'arn:aws:iam:::user/alt'}))
    works('alt may get', alt.get_object, Bucket=b, Key='key')
    fails('AccessDenied', 'what is not there, without ListBucket',
          alt.get_object, Bucket=b, Key='absent')
    fails('AccessDenied', 'nobody may not', nobody.get_object, Bucket=b,
          Key='key')
    main.put_bucket_policy(Bucket=b, Policy=allow(
        's3:ListBucket', b, Condition={
            'StringEquals': {'s3:prefix': 'dir/'}}))
    works('with the prefix', alt.list_objects, Bucket=b, Prefix='dir/')
    fails('AccessDenied', 'without', alt.list_objects, Bucket=b)
    main.put_bucket_policy(Bucket=b, Policy=allow(
        's3:PutObject', b, Condition={'StringEquals': {
            's3:x-amz-acl': 'bucket-owner-full-control'}}))
    works('PUT with the list', put, who=alt, b=b, key='a',
          ACL='bucket-owner-full-control')
    fails('AccessDenied', 'PUT without', put, who=alt, b=b, key='a')
    main.put_bucket_policy(Bucket=b, Policy=allow(
        's3:*', b, Condition={'IpAddress': {'aws:SourceIp': '127.0.0.0/8'}}))
    works('by address', nobody.get_object, Bucket=b, Key='key')
    main.put_bucket_policy(Bucket=b, Policy=allow('s3:*', b, effect='Deny'))
    fails('AccessDenied', 'deny counts for the owner', main.get_object,
          Bucket=b, Key='key')
    fails('AccessDenied', 'and for root', root.get_object, Bucket=b,
          Key='key')
    works('who is not locked out', main.delete_bucket_policy, Bucket=b)
    works('get again', main.get_object, Bucket=b, Key='key')
    for text in ('{', '{"Statement": []}', allow('s3:GetObject', 'other'),
                 allow('iam:Get', b), '{"Version": "2012-10-17"}'):
        fails('MalformedPolicy', text, main.put_bucket_policy, Bucket=b,
              Policy=text)
    fails('AccessDenied', 'set by others', alt.put_bucket_policy, Bucket=b,
          Policy=p)
    same(main.get_bucket_policy_status(Bucket=b)['PolicyStatus']['IsPublic'],
         False, 'not public')
    main.put_bucket_policy(Bucket=b, Policy=p)
    same(main.get_bucket_policy_status(Bucket=b)['PolicyStatus']['IsPublic'],
         True, 'public')


def group_block():
    b = bucket()
    fails('NoSuchPublicAccessBlockConfiguration', 'none',
          main.get_public_access_block, Bucket=b)

    def block(**how):
        conf = dict.fromkeys(('BlockPublicAcls', 'IgnorePublicAcls',
                              'BlockPublicPolicy', 'RestrictPublicBuckets'),
                             False)
        conf.update(how)
        main.put_public_access_block(
            Bucket=b, PublicAccessBlockConfiguration=conf)
        same(main.get_public_access_block(Bucket=b)
             ['PublicAccessBlockConfiguration'], conf, 'as it was put')

    put(main, b, 'key', ACL='public-read')
    block(BlockPublicAcls=True)
    for canned in 'public-read', 'public-read-write', 'authenticated-read':
        fails('AccessDenied', canned, main.put_bucket_acl, Bucket=b,
              ACL=canned)
        fails('AccessDenied', canned, put, who=main, b=b, key='x',
              ACL=canned)
    works('what was there', nobody.get_object, Bucket=b, Key='key')
    block(IgnorePublicAcls=True)
    works('may be set', main.put_bucket_acl, Bucket=b, ACL='public-read')
    fails('AccessDenied', 'but is ignored', nobody.get_object, Bucket=b,
          Key='key')
    fails('AccessDenied', 'but is ignored', alt.list_objects, Bucket=b)
    block(BlockPublicPolicy=True)
    fails('AccessDenied', 'public policy', main.put_bucket_policy, Bucket=b,
          Policy=allow('s3:GetObject', b))
    works('another policy', main.put_bucket_policy, Bucket=b,
          Policy=allow('s3:GetObject', b, {'AWS': 'arn:aws:iam:::user/alt'}))
    block()
    main.put_bucket_policy(Bucket=b, Policy=allow('s3:*', b))
    works('public', alt.list_objects, Bucket=b)
    block(RestrictPublicBuckets=True)
    main.put_bucket_acl(Bucket=b, ACL='private')
    fails('AccessDenied', 'restricted', alt.list_objects, Bucket=b)
    works('not for the owner', main.list_objects, Bucket=b)
    main.delete_public_access_block(Bucket=b)
    works('public again', alt.list_objects, Bucket=b)


def group_ownership():
    b = bucket()
    fails('OwnershipControlsNotFoundError', 'none',
          main.get_bucket_ownership_controls, Bucket=b)

    def own(how):
        main.put_bucket_ownership_controls(Bucket=b, OwnershipControls={
            'Rules': [{'ObjectOwnership': how}]})

    main.put_bucket_acl(Bucket=b, ACL='public-read-write')
    put(alt, b, 'alts')
    own('BucketOwnerPreferred')
    put(alt, b, 'given', ACL='bucket-owner-full-control')
    same(main.get_object_acl(Bucket=b, Key='given')['Owner']['ID'], MAIN,
         'BucketOwnerPreferred')
    fails('InvalidBucketAclWithObjectOwnership', 'with a public list', own,
          how='BucketOwnerEnforced')
    main.put_bucket_acl(Bucket=b, ACL='private')
    own('BucketOwnerEnforced')
    same(main.get_bucket_ownership_controls(Bucket=b)['OwnershipControls']
         ['Rules'], [{'ObjectOwnership': 'BucketOwnerEnforced'}], 'enforced')
    works('all objects are the owner\'s', main.get_object, Bucket=b,
          Key='alts')
    fails('AccessDenied', 'and not alt\'s', alt.get_object, Bucket=b,
          Key='alts')
    fails('AccessControlListNotSupported', 'no lists', main.put_bucket_acl,
          Bucket=b, ACL='public-read')
    fails('AccessControlListNotSupported', 'nor of objects', put, who=main,
          b=b, key='x', ACL='public-read')
    works('this one is none', put, who=main, b=b, key='x',
          ACL='bucket-owner-full-control')
    main.delete_bucket_ownership_controls(Bucket=b)
    works('alt\'s again', alt.get_object, Bucket=b, Key='alts')
    c = bucket(ObjectOwnership='BucketOwnerEnforced')
    works('made so', main.get_bucket_ownership_controls, Bucket=c)
    fails('InvalidBucketAclWithObjectOwnership', 'made with a list', bucket,
          ObjectOwnership='BucketOwnerEnforced', ACL='public-read')


def group_v2():
    how = Config(signature_version='s3', retries={'max_attempts': 1},
                 s3={'addressing_style': 'path'})
    old = boto3.client('s3', endpoint_url=URL, aws_access_key_id='MAINKEY',
                       aws_secret_access_key='main-secret', config=how)
    bad = boto3.client('s3', endpoint_url=URL, aws_access_key_id='MAINKEY',
                       aws_secret_access_key='other-secret', config=how)
    b = bucket()
    works('PUT', old.put_object, Bucket=b, Key='a b/ä', Body=b'data',
          Metadata={'one': '1'}, ContentType='text/plain')
    works('GET', old.get_object, Bucket=b, Key='a b/ä')
    works('list', old.list_objects, Bucket=b, Prefix='a')
    fails('SignatureDoesNotMatch', 'another secret', bad.get_object, Bucket=b,
          Key='a b/ä')
    url = old.generate_presigned_url('get_object', Params={
        'Bucket': b, 'Key': 'a b/ä', 'ResponseContentType': 'text/x'})
    check('AWSAccessKeyId' in url, 'presigned by version 2')
    with urllib.request.urlopen(url) as r:
        same(r.headers['Content-Type'], 'text/x', 'presigned')
    for changed in (url.replace('text%2Fx', 'text%2Fy'),
                    url.replace('Expires=', 'Expires=1')):
        try:
            urllib.request.urlopen(changed)
            check(False, 'changed: ' + changed)
        except urllib.error.HTTPError as e:
            same(e.code, 403, 'changed')
    url = old.generate_presigned_url('put_object', Params={
        'Bucket': b, 'Key': 'put'})
    urllib.request.urlopen(urllib.request.Request(url, b'presigned', {
        'Content-Type': ''}, method='PUT'))
    same(old.get_object(Bucket=b, Key='put')['Body'].read(), b'presigned',
         'PUT presigned')
    form = old.generate_presigned_post(b, 'form')
    check('signature' in form['fields'], 'a form of version 2')
    right = form['fields']['signature']
    wrong = ('A' if right[0] != 'A' else 'B') + right[1:]
    for signature, want in ((right, 204), (wrong, 403), ('x', 403)):
        form['fields']['signature'] = signature
        same(post(form, b'posted'), want, 'form')
    same(old.get_object(Bucket=b, Key='form')['Body'].read(), b'posted',
         'form')


def post(form, body):
    """The status of an upload by a form."""
    parts = ['--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
             % field for field in form['fields'].items()]
    parts.append('--x\r\nContent-Disposition: form-data; name="file"; '
                 'filename="f"\r\n\r\n%s\r\n--x--\r\n' % body.decode())
    try:
        with urllib.request.urlopen(urllib.request.Request(
                form['url'], ''.join(parts).encode(), {
                    'Content-Type': 'multipart/form-data; boundary=x'})) as r:
            return r.status
    except urllib.error.HTTPError as e:
        return e.code


def sts_of(key, secret, token=None):
    return boto3.client('sts', endpoint_url=URL, region_name='us-east-1',
                        aws_access_key_id=key, aws_secret_access_key=secret,
                        aws_session_token=token,
                        config=Config(retries={'max_attempts': 1}))


def group_sts():
    b = bucket()
    put(main, b, 'key')
    sts = sts_of('MAINKEY', 'main-secret')

    def assume(**how):
        got = sts.assume_role(RoleArn='arn:aws:iam::000000000000:user/main',
                              RoleSessionName='test', **how)['Credentials']
        return client(got['AccessKeyId'], got['SecretAccessKey'],
                      got['SessionToken']), got

    who, got = assume()
    works('as the user', who.get_object, Bucket=b, Key='key')
    reader, _ = assume(DurationSeconds=900, Policy=json.dumps({
        'Version': '2012-10-17', 'Statement': [{
            'Effect': 'Allow', 'Action': 's3:GetObject', 'Resource': '*'}]}))
    works('what the policy allows', reader.get_object, Bucket=b, Key='key')
    fails('AccessDenied', 'what it does not', put, who=reader, b=b, key='x')
    fails('ValidationError', 'too long', assume, DurationSeconds=43201)
    fails('MalformedPolicyDocument', 'a bad policy', assume,
          Policy='{"a": 1}')
    bare = client(got['AccessKeyId'], got['SecretAccessKey'])
    fails('SignatureDoesNotMatch', 'without the token', bare.list_objects,
          Bucket=b)
    forged = client(got['AccessKeyId'], got['SecretAccessKey'],
                    got['SessionToken'][:-8] + 'AAAAAAA=')
    fails('InvalidToken', 'another token', forged.list_objects, Bucket=b)
    bad = client(got['AccessKeyId'], 'another-secret', got['SessionToken'])
    fails('SignatureDoesNotMatch', 'another secret', bad.list_objects,
          Bucket=b)
    role = sts.assume_role(RoleArn='arn:aws:iam::000000000000:user/main',
                           RoleSessionName='test')['AssumedRoleUser']
    same(role['Arn'], 'arn:aws:sts::000000000000:assumed-role/main/test',
         'the name of the session')
    token = sts.get_session_token(DurationSeconds=900)['Credentials']
    who = client(token['AccessKeyId'], token['SecretAccessKey'],
                 token['SessionToken'])
    works('by GetSessionToken', who.get_object, Bucket=b, Key='key')
    fails('ValidationError', 'for too long', sts.get_session_token,
          DurationSeconds=129601)
    under = sts_of(token['AccessKeyId'], token['SecretAccessKey'],
                   token['SessionToken'])
    fails('AccessDenied', 'more of itself', under.get_session_token)
    fails('AccessDenied', 'a role of it', under.assume_role,
          RoleArn='arn:aws:iam::000000000000:user/main', RoleSessionName='x1')
    for one, arn in ((sts, 'user/main'), (under, 'user/main'),
                     (sts_of(os.environ['EC_ROOT_USER'],
                             os.environ['EC_ROOT_PASSWORD']), 'root')):
        got = one.get_caller_identity()
        same((got['Arn'], got['Account'], got['UserId'] != ''),
             ('arn:aws:iam::000000000000:' + arn, '000000000000', True),
             'who one is')
    fails('NotImplemented', 'another action', sts.get_federation_token,
          Name='x1')
    fails('NotImplemented', 'IAM', boto3.client(
        'iam', endpoint_url=URL, region_name='us-east-1',
        aws_access_key_id='MAINKEY',
        aws_secret_access_key='main-secret').create_user, UserName='x')
    fails('SignatureDoesNotMatch', 'who one is, without the secret',
          sts_of('MAINKEY', 'another').get_caller_identity)


globals()['group_' + sys.argv[2]]()
print('%d checks, %d failed' % (count, len(failures)))
sys.exit(1 if failures or count == 0 else 0)
