using Hubbub.Core;
using Hubbub.Core.Commands;
using Hubbub.Core.Identities;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Core.Security;
using Microsoft.Data.Sqlite;

namespace Hubbub.Storage.State;

/// <summary>
/// The hub's state in one SQLite file, <c>state.db</c>, with every key in it encrypted under <c>master.key</c>. One
/// process at a time; safe for concurrent use within it. A write that has completed survives a power cut.
/// </summary>
public sealed class StateStore
    : IIdentityStore, IHubSettingsStore, ICommandStore, ICertificateStore, IEndpointPositionStore, IActivityStore,
        IRoutingStore, IDisposable
{
    private const string DatabaseFile = "state.db";
    private const string MasterKeyFile = "master.key";

    private readonly SqliteConnection _connection;
    private readonly KeyCipher _cipher;
    private readonly IdentityTables _identities;
    private readonly SettingsTables _settings;
    private readonly CommandTables _commands;
    private readonly CertificateTables _certificates;
    private readonly EndpointPositionTable _positions;
    private readonly ActivityTable _activity;
    private readonly RoutingTables _routing;
    private readonly StateWriter _writer;

    private StateStore(SqliteConnection connection, KeyCipher cipher)
    {
        (_connection, _cipher) = (connection, cipher);
        _identities = new IdentityTables(connection);
        _settings = new SettingsTables(connection, cipher);
        _commands = new CommandTables(connection);
        _certificates = new CertificateTables(connection);
        _positions = new EndpointPositionTable(connection);
        _activity = new ActivityTable(connection);
        _routing = new RoutingTables(connection, cipher);
        _writer = new StateWriter(connection);
    }

    /// <summary>
    /// Completes when the store was disposed; faults when the database failed. After that nothing can be stored, and
    /// the process should end.
    /// </summary>
    public Task Ended => _writer.Ended;

    /// <summary>
    /// Opens the state in <paramref name="directory"/>, which must exist; makes a new one where there is none.
    /// </summary>
    /// <exception cref="StateStoreException">
    /// The files are in use, damaged, newer than this program, or open to others.
    /// </exception>
    public static StateStore Open(string directory, TimeProvider time)
    {
        var path = Path.Combine(directory, DatabaseFile);
        // The key is made before the database, so a crash in between leaves nothing that needs a key.
        var masterKey = MasterKey.Load(Path.Combine(directory, MasterKeyFile), mayCreate: !File.Exists(path));
        var connection = StateDatabase.Open(path, time);
        var cipher = new KeyCipher(masterKey);
        try
        {
            StateDatabase.CheckMasterKey(connection, cipher);
            return new StateStore(connection, cipher);
        }
        catch
        {
            cipher.Dispose();
            connection.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public IKeyProtector KeyProtector => _cipher;

    public async ValueTask LoadAsync(IIdentityLoader loader, CancellationToken cancellationToken) =>
        await ReadAsync(
            () =>
            {
                _identities.Load(loader);
                return true;
            },
            cancellationToken).ConfigureAwait(false);

    public ValueTask<HubError?> WriteAsync(IReadOnlyList<IdentityWrite> writes, CancellationToken cancellationToken) =>
        _writer.RunAsync(
            () =>
            {
                foreach (var write in writes)
                    _identities.Write(write);
            },
            cancellationToken);

    public ValueTask<HubSettings?> LoadSettingsAsync(CancellationToken cancellationToken) =>
        ReadAsync(_settings.LoadSettings, cancellationToken);

    public ValueTask<HubError?> SaveSettingsAsync(HubSettings settings, CancellationToken cancellationToken) =>
        _writer.RunAsync(() => _settings.Save(settings), cancellationToken);

    public ValueTask<IReadOnlyList<ConsumerGroup>> LoadConsumerGroupsAsync(CancellationToken cancellationToken) =>
        ReadAsync(_settings.LoadConsumerGroups, cancellationToken);

    public ValueTask<HubError?> PutConsumerGroupAsync(ConsumerGroup group, CancellationToken cancellationToken) =>
        _writer.RunAsync(() => _settings.Put(group), cancellationToken);

    public ValueTask<HubError?> DeleteConsumerGroupAsync(ConsumerGroup group, CancellationToken cancellationToken) =>
        _writer.RunAsync(() => _settings.Delete(group), cancellationToken);

    public ValueTask<IReadOnlyList<CertificateAuthority>> LoadAuthoritiesAsync(CancellationToken cancellationToken) =>
        ReadAsync(_certificates.Load, cancellationToken);

    public ValueTask<HubError?> PutAuthorityAsync(
        CertificateAuthority authority, CancellationToken cancellationToken) =>
        _writer.RunAsync(() => _certificates.Put(authority), cancellationToken);

    public ValueTask<HubError?> DeleteAuthorityAsync(
        CertificateAuthority authority, CancellationToken cancellationToken) =>
        _writer.RunAsync(() => _certificates.Delete(authority), cancellationToken);

    public ValueTask<RoutingConfiguration> LoadRoutingAsync(CancellationToken cancellationToken) =>
        ReadAsync(_routing.Load, cancellationToken);

    public ValueTask<HubError?> SaveRoutingAsync(
        RoutingConfiguration configuration, CancellationToken cancellationToken) =>
        _writer.RunAsync(() => _routing.Save(configuration), cancellationToken);

    ValueTask<CommandSnapshot> ICommandStore.LoadAsync(CancellationToken cancellationToken) =>
        ReadAsync(_commands.Load, cancellationToken);

    public ValueTask<HubError?> WriteAsync(IReadOnlyList<CommandWrite> writes, CancellationToken cancellationToken) =>
        _writer.RunAsync(
            () =>
            {
                foreach (var write in writes)
                    _commands.Write(write);
            },
            cancellationToken);

    public ValueTask<IReadOnlyList<byte[]?>> ReadPayloadsAsync(
        IReadOnlyList<long> sequenceNumbers, CancellationToken cancellationToken) =>
        ReadAsync(() => _commands.ReadPayloads(sequenceNumbers), cancellationToken);

    public ValueTask<IReadOnlyList<StoredActivity>> LoadActivityAsync(
        StoredActivity? after, int countMax, CancellationToken cancellationToken) =>
        ReadAsync(() => _activity.Load(after, countMax), cancellationToken);

    public ValueTask<HubError?> WriteActivityAsync(
        IReadOnlyList<StoredActivity> changed,
        IReadOnlyList<(string DeviceId, string? ModuleId)> gone,
        CancellationToken cancellationToken) =>
        _writer.RunAsync(
            () =>
            {
                foreach (var activity in changed)
                    _activity.Put(activity);
                foreach (var (deviceId, moduleId) in gone)
                    _activity.Delete(deviceId, moduleId);
            },
            cancellationToken);

    public ValueTask<EndpointPosition?> LoadPositionAsync(string endpoint, CancellationToken cancellationToken) =>
        ReadAsync(() => _positions.Load(endpoint), cancellationToken);

    public ValueTask<HubError?> SavePositionAsync(
        string endpoint, EndpointPosition position, CancellationToken cancellationToken) =>
        _writer.RunAsync(() => _positions.Put(endpoint, position), cancellationToken);

    public ValueTask<HubError?> DeletePositionAsync(string endpoint, CancellationToken cancellationToken) =>
        _writer.RunAsync(() => _positions.Delete(endpoint), cancellationToken);

    /// <summary>Commits what was begun and closes the database.</summary>
    public void Dispose()
    {
        _writer.Finish();
        _identities.Dispose();
        _settings.Dispose();
        _commands.Dispose();
        _certificates.Dispose();
        _positions.Dispose();
        _activity.Dispose();
        _routing.Dispose();
        _writer.Dispose();
        _cipher.Dispose();
    }

    /// <summary>Runs a statement of its own; for tests, which bring about so what a disk would.</summary>
    internal ValueTask<HubError?> ExecuteAsync(string sql, CancellationToken cancellationToken) =>
        _writer.RunAsync(
            () =>
            {
                using var command = new SqliteCommand(sql, _connection);
                command.ExecuteNonQuery();
            },
            cancellationToken);

    private async ValueTask<T> ReadAsync<T>(Func<T> read, CancellationToken cancellationToken)
    {
        var result = default(T)!;
        var refusal = await _writer.RunAsync(() => result = read(), cancellationToken).ConfigureAwait(false);
        return refusal is null ? result : throw new StateStoreException(refusal.Message);
    }
}
