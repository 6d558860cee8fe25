namespace Hubbub.Core;

/// <summary>
/// Why the hub refuses a request. The numbers are the service's own error codes (HTTP status x 1000 + ordinal), so
/// that clients which read them act as they do against the original service; codes from 507000 on are Hubbub's own.
/// </summary>
public enum HubErrorCode
{
    InvalidOperation = 400003,
    ArgumentInvalid = 400004,
    ArgumentNull = 400005,
    FormatError = 400006,
    DeviceDefinedMultipleTimes = 400011,
    BulkRegistryOperationFailure = 400013,
    ConnectionForcefullyClosedOnNewConnection = 400027,
    InvalidPolicyKey = 400035,
    BulkRegenerateDeviceKeyOperationFailure = 400036,
    ArgumentOutOfRange = 400999,
    IotHubNotFound = 401001,
    UnauthorizedAccess = 401002,
    Unauthorized = 401003,
    SystemModuleModifyUnauthorizedAccess = 401100,
    IotHubSuspended = 403001,
    QuotaExceeded = 403002,
    DeviceMaximumQueueDepthExceeded = 403004,
    MaxCbsTokenExceeded = 403005,
    DeviceNotFound = 404001,
    AmqpAddressNotFound = 404006,
    CertificateNotFound = 404008,
    ModuleNotFound = 404010,
    EntityNotFound = 404999,
    MethodNotAllowed = 405000,
    DeviceAlreadyExists = 409001,
    LinkCreationConflict = 409002,
    ModuleAlreadyExistsOnDevice = 409301,
    PreconditionFailed = 412001,
    DeviceMessageLockLost = 412002,
    RequestEntityTooLarge = 413000,
    MessageTooLarge = 413001,
    TooManyDevices = 413002,
    TooManyModulesOnDevice = 413003,
    Throttling = 429001,
    ServerError = 500001,
    NotImplemented = 501001,
    ServiceUnavailable = 503001,
    /// <summary>The disk that holds the event log is full; sends are refused until there is room again.</summary>
    StorageFull = 507001,
}
