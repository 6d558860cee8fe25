namespace Hubbub.Core.Commands;

/// <summary>Commands that wait, by rising sequence number. Linked through the commands themselves.</summary>
internal struct ReadyList
{
    public Command? Head { get; private set; }

    private Command? _tail;

    /// <summary>Adds a command behind all others; its number is the highest.</summary>
    public void Append(Command command)
    {
        command.Previous = _tail;
        if (_tail is null)
            Head = command;
        else
            _tail.Next = command;
        _tail = command;
    }

    /// <summary>
    /// Puts a command back to where it was; that is near the head, for only those near it are ever taken.
    /// </summary>
    public void Insert(Command command)
    {
        var next = Head;
        while (next is not null && next.SequenceNumber < command.SequenceNumber)
            next = next.Next;
        if (next is null)
        {
            Append(command);
            return;
        }
        command.Next = next;
        command.Previous = next.Previous;
        if (next.Previous is null)
            Head = command;
        else
            next.Previous.Next = command;
        next.Previous = command;
    }

    public void Remove(Command command)
    {
        if (command.Previous is null)
            Head = command.Next;
        else
            command.Previous.Next = command.Next;
        if (command.Next is null)
            _tail = command.Previous;
        else
            command.Next.Previous = command.Previous;
        command.Previous = command.Next = null;
    }
}
