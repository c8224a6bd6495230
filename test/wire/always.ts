/**
 * What the service models leave open and AWS's own pages say. In RDS's model no member of an answer is required, and yet
 * some are always there: those that every sample response of the API reference has
 * (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/), whatever state the instance is in. For S3
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/) the same of the headers.
 */
export interface AlwaysSent {
  readonly members?: readonly string[];
  readonly headers?: readonly string[];
}

/** By the structure of the answer. */
export const ALWAYS_SENT: Readonly<Record<string, AlwaysSent>> = {
  DBInstance: {
    members: [
      ...["DBInstanceIdentifier", "DBInstanceClass", "Engine", "EngineVersion", "DBInstanceStatus", "MasterUsername"],
      ...["AllocatedStorage", "StorageType", "StorageEncrypted", "LicenseModel", "PubliclyAccessible", "MultiAZ"],
      ...["PreferredBackupWindow", "PreferredMaintenanceWindow", "BackupRetentionPeriod", "AutoMinorVersionUpgrade"],
      ...["DBSecurityGroups", "VpcSecurityGroups", "DBParameterGroups", "OptionGroupMemberships", "DBSubnetGroup"],
      ...["PendingModifiedValues", "ReadReplicaDBInstanceIdentifiers", "DomainMemberships", "CopyTagsToSnapshot"],
      ...["MonitoringInterval", "DBInstanceArn", "DbiResourceId", "CACertificateIdentifier", "DeletionProtection"],
      ...["IAMDatabaseAuthenticationEnabled", "PerformanceInsightsEnabled", "AssociatedRoles", "TagList"],
      "DbInstancePort",
    ],
  },
  DBSubnetGroup: {
    members: ["DBSubnetGroupName", "DBSubnetGroupDescription", "SubnetGroupStatus", "Subnets", "VpcId"],
  },
  DBParameterGroupStatus: { members: ["DBParameterGroupName", "ParameterApplyStatus"] },
  VpcSecurityGroupMembership: { members: ["VpcSecurityGroupId", "Status"] },
  DBInstanceStatusInfo: { members: ["StatusType", "Normal", "Status"] },
  Endpoint: { members: ["Address", "Port", "HostedZoneId"] },
  DBSnapshot: {
    members: [
      ...["DBSnapshotIdentifier", "DBInstanceIdentifier", "Engine", "EngineVersion", "AllocatedStorage", "Status"],
      ...["Port", "AvailabilityZone", "VpcId", "InstanceCreateTime", "MasterUsername", "LicenseModel", "SnapshotType"],
      ...["OptionGroupName", "PercentProgress", "StorageType", "Encrypted", "DBSnapshotArn", "DbiResourceId"],
      ...["IAMDatabaseAuthenticationEnabled", "ProcessorFeatures", "TagList"],
    ],
  },
  Event: { members: ["SourceIdentifier", "SourceType", "Message", "EventCategories", "Date", "SourceArn"] },
  DBInstanceAutomatedBackup: {
    members: [
      ...["DBInstanceArn", "DbiResourceId", "Region", "DBInstanceIdentifier", "RestoreWindow", "AllocatedStorage"],
      ...["Status", "Port", "InstanceCreateTime", "MasterUsername", "Engine", "EngineVersion", "LicenseModel"],
      ...["Encrypted", "StorageType", "IAMDatabaseAuthenticationEnabled", "BackupRetentionPeriod"],
      "DBInstanceAutomatedBackupsArn",
    ],
  },
  RestoreWindow: { members: ["EarliestTime", "LatestTime"] },
  Parameter: {
    members: ["ParameterName", "Description", "Source", "ApplyType", "DataType", "IsModifiable", "ApplyMethod"],
  },
  DBCluster: {
    members: [
      ...["AllocatedStorage", "AvailabilityZones", "BackupRetentionPeriod", "DBClusterIdentifier", "Status", "Port"],
      ...["DBClusterParameterGroup", "DBSubnetGroup", "EarliestRestorableTime", "Endpoint", "MultiAZ", "Engine"],
      ...["EngineVersion", "LatestRestorableTime", "MasterUsername", "PreferredBackupWindow", "DBClusterMembers"],
      ...["PreferredMaintenanceWindow", "ReadReplicaIdentifiers", "VpcSecurityGroups", "StorageEncrypted"],
      ...["DbClusterResourceId", "DBClusterArn", "AssociatedRoles", "ClusterCreateTime", "DeletionProtection"],
    ],
  },
  DBClusterMember: {
    members: ["DBInstanceIdentifier", "IsClusterWriter", "DBClusterParameterGroupStatus", "PromotionTier"],
  },
  GlobalCluster: {
    members: [
      ...["GlobalClusterIdentifier", "GlobalClusterResourceId", "GlobalClusterArn", "Status", "Engine"],
      ...["EngineVersion", "StorageEncrypted", "DeletionProtection", "GlobalClusterMembers"],
    ],
  },
  GlobalClusterMember: { members: ["DBClusterArn", "Readers", "IsWriter"] },
  GetCallerIdentityResponse: { members: ["Arn", "UserId", "Account"] },
  MetricDataResult: { members: ["Id", "Label", "Timestamps", "Values", "StatusCode"] },
  HealthCheckObservation: { members: ["Region", "IPAddress", "StatusReport"] },
  StatusReport: { members: ["Status", "CheckedTime"] },
  ListObjectsV2Output: {
    members: ["Name", "Prefix", "KeyCount", "MaxKeys", "IsTruncated"],
    headers: ["x-amz-request-id", "x-amz-id-2"],
  },
  Object: { members: ["Key", "LastModified", "ETag", "Size", "StorageClass"] },
  HeadObjectOutput: {
    headers: [
      "x-amz-request-id",
      "x-amz-id-2",
      "etag",
      "last-modified",
      "content-length",
      "content-type",
      "accept-ranges",
    ],
  },
  GetObjectOutput: {
    headers: [
      "x-amz-request-id",
      "x-amz-id-2",
      "etag",
      "last-modified",
      "content-length",
      "content-type",
      "accept-ranges",
    ],
  },
  PutObjectOutput: { headers: ["x-amz-request-id", "x-amz-id-2", "etag"] },
  HeadBucketOutput: { headers: ["x-amz-request-id", "x-amz-id-2", "x-amz-bucket-region"] },
  CreateMultipartUploadOutput: { members: ["Bucket", "Key", "UploadId"], headers: ["x-amz-request-id", "x-amz-id-2"] },
  UploadPartOutput: { headers: ["x-amz-request-id", "x-amz-id-2", "etag"] },
  CompleteMultipartUploadOutput: { members: ["Location", "Bucket", "Key", "ETag"], headers: ["x-amz-request-id"] },
  DeleteObjectOutput: { headers: ["x-amz-request-id", "x-amz-id-2"] },
};

/** Values that the model's own text names and its enumeration leaves out, by structure and member. */
export const DOCUMENTED_VALUES: Readonly<Record<string, readonly string[]>> = {
  "FailoverState.Status": ["switching-over"],
};

/**
 * Refusals that no model names. Of all services: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html, and
 * "AccessDenied" (403) is what the Query and XML services really write for `AccessDeniedException`. Of S3:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
export const COMMON_ERRORS: Readonly<Record<"query" | "json" | "xml" | "s3", Readonly<Record<string, number>>>> = {
  query: {
    ...{ AccessDenied: 403, ThrottlingException: 400, InternalFailure: 500, InvalidAction: 400 },
    ...{ InvalidParameterCombination: 400, InvalidParameterValue: 400, MissingParameter: 400 },
  },
  json: { AccessDeniedException: 400, ThrottlingException: 400, InternalFailure: 500, InvalidAction: 400 },
  xml: { AccessDenied: 403, ThrottlingException: 400, InternalFailure: 500, InvalidAction: 400 },
  s3: {
    ...{ AccessDenied: 403, SlowDown: 503, InternalError: 500, NotImplemented: 501, PermanentRedirect: 301 },
    ...{ PreconditionFailed: 412, NoSuchBucket: 404, NoSuchKey: 404, NoSuchUpload: 404, InvalidPart: 400 },
    ...{ InvalidRange: 416, BadDigest: 400, XAmzContentSHA256Mismatch: 400, IncompleteBody: 400 },
    ...{ BucketAlreadyOwnedByYou: 409, ReplicationConfigurationNotFoundError: 404, InvalidDigest: 400 },
  },
};
