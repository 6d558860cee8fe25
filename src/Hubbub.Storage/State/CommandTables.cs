using Hubbub.Core.Commands;
using Microsoft.Data.Sqlite;

namespace Hubbub.Storage.State;

/// <summary>The tables of pending commands, their payloads, and feedback. Used on the writer's thread only.</summary>
internal sealed class CommandTables(SqliteConnection connection) : IDisposable
{
    private readonly PreparedCommand _add = new(connection, """
        INSERT INTO command (sequence, device_id, module_id, generation_id, message_id, ack, enqueued_ms, expires_ms,
          delivery_count)
        VALUES ($p0, $p1, $p2, $p3, $p4, $p5, $p6, $p7, $p8)
        """);

    private readonly PreparedCommand _addPayload =
        new(connection, "INSERT INTO command_payload (sequence, payload) VALUES ($p0, $p1)");

    private readonly PreparedCommand _setDeliveryCount =
        new(connection, "UPDATE command SET delivery_count = $p1 WHERE sequence = $p0");

    private readonly PreparedCommand _remove = new(connection, "DELETE FROM command WHERE sequence = $p0");
    private readonly PreparedCommand _removePayload =
        new(connection, "DELETE FROM command_payload WHERE sequence = $p0");
    private readonly PreparedCommand _readPayload =
        new(connection, "SELECT payload FROM command_payload WHERE sequence = $p0");

    private readonly PreparedCommand _addFeedback = new(connection, """
        INSERT INTO feedback (sequence, device_id, module_id, generation_id, message_id, outcome, happened_ms)
        VALUES ($p0, $p1, $p2, $p3, $p4, $p5, $p6)
        """);

    private readonly PreparedCommand _setFeedbackDeliveryCount =
        new(connection, "UPDATE feedback SET delivery_count = $p1 WHERE sequence = $p0");

    private readonly PreparedCommand _removeFeedback = new(connection, "DELETE FROM feedback WHERE sequence = $p0");

    public void Write(CommandWrite write)
    {
        switch (write)
        {
            case CommandWrite.Add add:
                Add(add.Command, add.Payload);
                break;
            case CommandWrite.SetDeliveryCount set:
                _setDeliveryCount.Execute(set.SequenceNumber, (long)set.DeliveryCount);
                break;
            case CommandWrite.End end:
                _remove.Execute(end.SequenceNumber);
                _removePayload.Execute(end.SequenceNumber);
                if (end.Feedback is { } record)
                    Add(record);
                break;
            case CommandWrite.SetFeedbackDeliveryCount set:
                _setFeedbackDeliveryCount.Execute(set.SequenceNumber, (long)set.DeliveryCount);
                break;
            case CommandWrite.RemoveFeedback remove:
                _removeFeedback.Execute(remove.SequenceNumber);
                break;
            default:
                throw new NotSupportedException(write.GetType().Name);
        }
    }

    public CommandSnapshot Load() =>
        new(LoadCommands(), LoadFeedback(), LastNumber("command"), LastNumber("feedback"));

    public IReadOnlyList<byte[]?> ReadPayloads(IReadOnlyList<long> sequenceNumbers)
    {
        var payloads = new byte[]?[sequenceNumbers.Count];
        for (var i = 0; i < payloads.Length; i++)
            payloads[i] = (byte[]?)_readPayload.Scalar(sequenceNumbers[i]);
        return payloads;
    }

    public void Dispose()
    {
        foreach (var command in new[]
        {
            _add, _addPayload, _setDeliveryCount, _remove, _removePayload, _readPayload, _addFeedback,
            _setFeedbackDeliveryCount, _removeFeedback,
        })
        {
            command.Dispose();
        }
    }

    private void Add(StoredCommand command, byte[] payload)
    {
        _add.Execute(
            command.SequenceNumber,
            command.Target.DeviceId,
            command.Target.ModuleId,
            command.GenerationId,
            command.MessageId,
            (long)command.Ack,
            command.EnqueuedAt.ToUnixTimeMilliseconds(),
            command.ExpiresAt.ToUnixTimeMilliseconds(),
            (long)command.DeliveryCount);
        _addPayload.Execute(command.SequenceNumber, payload);
    }

    private void Add(FeedbackRecord record) => _addFeedback.Execute(
        record.SequenceNumber,
        record.Target.DeviceId,
        record.Target.ModuleId,
        record.GenerationId,
        record.OriginalMessageId,
        (long)record.Outcome,
        record.HappenedAt.ToUnixTimeMilliseconds());

    private List<StoredCommand> LoadCommands()
    {
        List<StoredCommand> commands = [];
        using var row = new RawStatement(connection, """
            SELECT sequence, device_id, module_id, generation_id, message_id, ack, enqueued_ms, expires_ms,
              delivery_count
            FROM command ORDER BY sequence
            """);
        while (row.Step())
        {
            commands.Add(new StoredCommand
            {
                SequenceNumber = row.Int64(0),
                Target = new CommandTarget(row.Text(1)!, row.Text(2)),
                GenerationId = row.Text(3)!,
                MessageId = row.Text(4),
                Ack = (FeedbackMode)row.Int64(5),
                EnqueuedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.Int64(6)),
                ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(row.Int64(7)),
                DeliveryCount = (int)row.Int64(8),
            });
        }
        return commands;
    }

    private List<FeedbackRecord> LoadFeedback()
    {
        List<FeedbackRecord> records = [];
        using var row = new RawStatement(connection, """
            SELECT sequence, device_id, module_id, generation_id, message_id, outcome, happened_ms,
              delivery_count
            FROM feedback ORDER BY sequence
            """);
        while (row.Step())
        {
            records.Add(new FeedbackRecord
            {
                SequenceNumber = row.Int64(0),
                Target = new CommandTarget(row.Text(1)!, row.Text(2)),
                GenerationId = row.Text(3)!,
                OriginalMessageId = row.Text(4),
                Outcome = (CommandOutcome)row.Int64(5),
                HappenedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.Int64(6)),
                DeliveryCount = (int)row.Int64(7),
            });
        }
        return records;
    }

    private long LastNumber(string table)
    {
        using var select = connection.CreateCommand();
        select.CommandText = "SELECT seq FROM sqlite_sequence WHERE name = $name";
        select.Parameters.AddWithValue("$name", table);
        return select.ExecuteScalar() is long last ? last : 0;
    }
}
