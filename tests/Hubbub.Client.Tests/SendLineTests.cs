using Hubbub.Client.Connections;

namespace Hubbub.Client.Tests;

/// <summary>The window: places, bytes, and the line of those who wait.</summary>
public sealed class SendLineTests
{
    [Fact]
    public void TryEnter_TakesPlacesUpToTheCount()
    {
        var line = new SendLine(2, 1_000);

        Assert.True(line.TryEnter());
        Assert.True(line.TryEnter());
        Assert.False(line.TryEnter());
        line.Leave(0, 1);
        Assert.True(line.TryEnter());
    }

    [Fact]
    public void TryEnter_TakesPlacesUpToTheBytes()
    {
        var line = new SendLine(100, 1_000);
        Assert.True(line.TryEnter());
        line.Add(1_000);

        Assert.False(line.TryEnter());
        line.Leave(1_000, 1);
        Assert.True(line.TryEnter());
    }

    [Fact]
    public void Join_OneStepsUpAtATime_InOrder()
    {
        var line = new SendLine(2, 1_000);
        Assert.True(line.TryEnter());
        Assert.True(line.TryEnter());
        var (first, second) = (line.Join(), line.Join());
        line.Leave(0, 1);
        line.Leave(0, 1);

        Assert.True(first.Task.IsCompleted);
        Assert.False(second.Task.IsCompleted);
        line.Next();
        Assert.True(second.Task.IsCompleted);
    }

    [Fact]
    public void TryEnter_SomebodyStandsInLine_DoesNotPass()
    {
        var line = new SendLine(1, 1_000);
        Assert.True(line.TryEnter());
        var first = line.Join();
        line.Leave(0, 1);

        Assert.True(first.Task.IsCompleted);
        Assert.False(line.TryEnter());
    }

    [Fact]
    public void GiveUp_BeforeTheTurn_LetsTheNextOneStepUp()
    {
        var line = new SendLine(1, 1_000);
        Assert.True(line.TryEnter());
        var (first, second) = (line.Join(), line.Join());

        line.GiveUp(first);
        line.Leave(0, 1);

        Assert.True(second.Task.IsCompletedSuccessfully);
    }

    [Fact]
    public void GiveUp_AfterTheTurn_GivesThePlaceBack()
    {
        var line = new SendLine(1, 1_000);
        Assert.True(line.TryEnter());
        var first = line.Join();
        line.Leave(0, 1);
        Assert.True(first.Task.IsCompletedSuccessfully);

        line.GiveUp(first);

        Assert.True(line.TryEnter());
    }

    [Fact]
    public void Open_LetsAllPass()
    {
        var line = new SendLine(1, 1_000);
        Assert.True(line.TryEnter());
        var (first, second) = (line.Join(), line.Join());

        line.Open();
        Assert.True(first.Task.IsCompletedSuccessfully);
        line.Next();
        Assert.True(second.Task.IsCompletedSuccessfully);
    }
}
