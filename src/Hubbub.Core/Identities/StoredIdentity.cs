namespace Hubbub.Core.Identities;

/// <summary>
/// One device or module as a store gives it back, in views of the store's own memory: a million of them are read
/// without an object each. All texts are UTF-8; an empty one is absent.
/// </summary>
public ref struct StoredIdentity
{
    public ReadOnlySpan<byte> DeviceId;

    /// <summary>Empty for a device.</summary>
    public ReadOnlySpan<byte> ModuleId;

    public ReadOnlySpan<byte> GenerationId;

    public ReadOnlySpan<byte> ETag;

    public AuthenticationType AuthenticationType;

    /// <summary>What <see cref="IKeyProtector.Protect"/> made of the keys.</summary>
    public ReadOnlySpan<byte> Keys;

    public ReadOnlySpan<byte> PrimaryThumbprint;

    public ReadOnlySpan<byte> SecondaryThumbprint;

    public DeviceStatus Status;

    public ReadOnlySpan<byte> StatusReason;

    /// <summary>UTC ticks; 0 when it never changed.</summary>
    public long StatusUpdatedTicks;

    public bool IotEdge;

    public ReadOnlySpan<byte> DeviceScope;

    /// <summary>Separated by line feeds.</summary>
    public ReadOnlySpan<byte> ParentScopes;

    public ReadOnlySpan<byte> ManagedBy;
}

/// <summary>Takes what a store holds.</summary>
public interface IIdentityLoader
{
    /// <summary>Says about how many will come, so that room is made once.</summary>
    void Expect(int devices, int modules);

    /// <param name="number">Under which it was stored; above that of the device before.</param>
    /// <exception cref="IOException">The id or the number was there already: the store is damaged.</exception>
    void LoadDevice(int number, in StoredIdentity device);

    /// <inheritdoc cref="LoadDevice"/>
    void LoadModule(int number, in StoredIdentity module);
}
