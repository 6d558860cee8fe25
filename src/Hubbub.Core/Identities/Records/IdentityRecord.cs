using System.Runtime.CompilerServices;
using System.Text;

namespace Hubbub.Core.Identities.Records;

/// <summary>
/// The form of devices and modules in a table: flags, generation, etag, then those of the other fields that the flags
/// name. A device with keys and an id of 16 characters takes about 190 bytes, 118 of them its encrypted keys.
/// </summary>
internal static class IdentityRecord
{
    private const int TypeShift = 2;
    private const int TypeMask = 3;

    /// <summary>What a record has. Bits 2 and 3 are its kind of authentication.</summary>
    [Flags]
    private enum Fields : ushort
    {
        Disabled = 1,
        IotEdge = 1 << 1,
        Keys = 1 << 4,
        PrimaryThumbprint = 1 << 5,
        SecondaryThumbprint = 1 << 6,
        StatusReason = 1 << 7,
        StatusUpdated = 1 << 8,
        DeviceScope = 1 << 9,
        ParentScopes = 1 << 10,
        ManagedBy = 1 << 11,
    }

    public static bool IsDisabled(ReadOnlyMemory<byte> record) =>
        ((Fields)new RecordReader(record).ReadUInt16() & Fields.Disabled) != 0;

    public static AuthenticationType TypeOf(ReadOnlyMemory<byte> record) =>
        (AuthenticationType)((new RecordReader(record).ReadUInt16() >> TypeShift) & TypeMask);

    public static string ReadGeneration(ReadOnlyMemory<byte> record)
    {
        var reader = new RecordReader(record);
        reader.ReadUInt16();
        return reader.ReadText();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // A start is over before the JIT would do it by itself.
    public static void Write(RecordWriter to, in StoredIdentity identity)
    {
        to.Start(identity.DeviceId, identity.ModuleId);
        var fields = (Fields)((int)identity.AuthenticationType << TypeShift)
            | (identity.Status == DeviceStatus.Disabled ? Fields.Disabled : 0)
            | (identity.IotEdge ? Fields.IotEdge : 0)
            | If(Fields.Keys, identity.Keys)
            | If(Fields.PrimaryThumbprint, identity.PrimaryThumbprint)
            | If(Fields.SecondaryThumbprint, identity.SecondaryThumbprint)
            | If(Fields.StatusReason, identity.StatusReason)
            | (identity.StatusUpdatedTicks != 0 ? Fields.StatusUpdated : 0)
            | If(Fields.DeviceScope, identity.DeviceScope)
            | If(Fields.ParentScopes, identity.ParentScopes)
            | If(Fields.ManagedBy, identity.ManagedBy);
        to.WriteUInt16((ushort)fields);
        to.WriteField(identity.GenerationId);
        to.WriteField(identity.ETag);
        WriteIfAny(to, identity.Keys);
        WriteIfAny(to, identity.PrimaryThumbprint);
        WriteIfAny(to, identity.SecondaryThumbprint);
        WriteIfAny(to, identity.StatusReason);
        if (identity.StatusUpdatedTicks != 0)
            to.WriteInt64(identity.StatusUpdatedTicks);
        WriteIfAny(to, identity.DeviceScope);
        WriteIfAny(to, identity.ParentScopes);
        WriteIfAny(to, identity.ManagedBy);
    }

    public static void Write(RecordWriter to, DeviceIdentity device, ReadOnlySpan<byte> keys)
    {
        var authentication = device.Authentication;
        Write(to, new StoredIdentity
        {
            DeviceId = Utf8(device.DeviceId),
            GenerationId = Utf8(device.GenerationId),
            ETag = Utf8(device.ETag),
            AuthenticationType = authentication.Type,
            Keys = keys,
            PrimaryThumbprint = Utf8(authentication.PrimaryThumbprint),
            SecondaryThumbprint = Utf8(authentication.SecondaryThumbprint),
            Status = device.Status,
            StatusReason = Utf8(device.StatusReason),
            StatusUpdatedTicks = device.StatusUpdatedTime?.UtcTicks ?? 0,
            IotEdge = device.IotEdge,
            DeviceScope = Utf8(device.DeviceScope),
            ParentScopes = Utf8(device.ParentScopesText),
        });
    }

    public static void Write(RecordWriter to, ModuleIdentity module, ReadOnlySpan<byte> keys) =>
        Write(to, new StoredIdentity
        {
            DeviceId = Utf8(module.DeviceId),
            ModuleId = Utf8(module.ModuleId),
            GenerationId = Utf8(module.GenerationId),
            ETag = Utf8(module.ETag),
            AuthenticationType = module.Authentication.Type,
            Keys = keys,
            PrimaryThumbprint = Utf8(module.Authentication.PrimaryThumbprint),
            SecondaryThumbprint = Utf8(module.Authentication.SecondaryThumbprint),
            ManagedBy = Utf8(module.ManagedBy),
        });

    public static DeviceIdentity ReadDevice(ReadOnlyMemory<byte> record, IKeyProtector protector)
    {
        var reader = new RecordReader(record);
        var fields = (Fields)reader.ReadUInt16();
        var deviceId = Encoding.UTF8.GetString(RecordTable.KeyOf(record.Span));
        var generationId = reader.ReadText();
        var etag = reader.ReadText();
        return new DeviceIdentity
        {
            DeviceId = deviceId,
            GenerationId = generationId,
            ETag = etag,
            Authentication = ReadAuthentication(
                ref reader, fields, protector, new KeyOwner(deviceId, null, generationId)),
            Status = fields.HasFlag(Fields.Disabled) ? DeviceStatus.Disabled : DeviceStatus.Enabled,
            StatusReason = fields.HasFlag(Fields.StatusReason) ? reader.ReadText() : null,
            StatusUpdatedTime = fields.HasFlag(Fields.StatusUpdated)
                ? new DateTimeOffset(reader.ReadInt64(), TimeSpan.Zero)
                : null,
            IotEdge = fields.HasFlag(Fields.IotEdge),
            DeviceScope = fields.HasFlag(Fields.DeviceScope) ? reader.ReadText() : null,
            ParentScopes = fields.HasFlag(Fields.ParentScopes) ? [.. reader.ReadText().Split('\n')] : [],
        };
    }

    public static ModuleIdentity ReadModule(ReadOnlyMemory<byte> record, IKeyProtector protector)
    {
        var reader = new RecordReader(record);
        var fields = (Fields)reader.ReadUInt16();
        var key = Encoding.UTF8.GetString(RecordTable.KeyOf(record.Span));
        var slash = key.IndexOf('/', StringComparison.Ordinal); // No id has one.
        var (deviceId, moduleId, generationId, etag) =
            (key[..slash], key[(slash + 1)..], reader.ReadText(), reader.ReadText());
        return new ModuleIdentity
        {
            DeviceId = deviceId,
            ModuleId = moduleId,
            GenerationId = generationId,
            ETag = etag,
            Authentication = ReadAuthentication(
                ref reader, fields, protector, new KeyOwner(deviceId, moduleId, generationId)),
            ManagedBy = fields.HasFlag(Fields.ManagedBy) ? reader.ReadText() : null,
        };
    }

    private static IdentityAuthentication ReadAuthentication(
        ref RecordReader reader, Fields fields, IKeyProtector protector, KeyOwner owner)
    {
        var keys = fields.HasFlag(Fields.Keys) ? new ProtectedKeys(protector, reader.ReadField(), owner) : null;
        return new IdentityAuthentication(keys)
        {
            Type = (AuthenticationType)(((int)fields >> TypeShift) & TypeMask),
            PrimaryThumbprint = fields.HasFlag(Fields.PrimaryThumbprint) ? reader.ReadText() : null,
            SecondaryThumbprint = fields.HasFlag(Fields.SecondaryThumbprint) ? reader.ReadText() : null,
        };
    }

    private static Fields If(Fields field, ReadOnlySpan<byte> value) => value.IsEmpty ? 0 : field;

    private static void WriteIfAny(RecordWriter to, ReadOnlySpan<byte> value)
    {
        if (!value.IsEmpty)
            to.WriteField(value);
    }

    private static byte[] Utf8(string? text) => string.IsNullOrEmpty(text) ? [] : Encoding.UTF8.GetBytes(text);
}
