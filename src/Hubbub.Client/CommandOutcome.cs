namespace Hubbub.Client;

/// <summary>How a command ended.</summary>
public enum CommandOutcome
{
    /// <summary>In a way that this client does not know.</summary>
    Unknown,

    /// <summary>The device completed it.</summary>
    Success,

    /// <summary>The device rejected it.</summary>
    Rejected,

    /// <summary>Its time was over before the device completed it.</summary>
    Expired,

    /// <summary>The device gave it back too often.</summary>
    DeliveryCountExceeded,

    /// <summary>Somebody emptied the device's queue.</summary>
    Purged,
}
