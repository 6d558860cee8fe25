using System.Text;
using CsCheck;
using Hubbub.Core.Events;

namespace Hubbub.Core.Tests.Events;

public sealed class PartitionHashTests
{
    [Theory]
    [InlineData("7", -15263)]
    [InlineData("131", 30562)]
    [InlineData("7149583486996073602", 12977)]
    [InlineData("FWfAT", -22341)]
    [InlineData("sOdeEAsyQoEuEFPGerWO", -6503)]
    [InlineData("$0cb", 26269)]
    [InlineData("!c*_!I@1^c", 15372)]
    [InlineData("p4*!jioeO/z-!-;w:dh", -3104)]
    [InlineData("-4189260826195535198", 453)]
    [InlineData("FAyAIctPeCgmiwLKbJcyswoHglHVjQdvtBowLACDNORsYvOcLddNJYDmhAVkbyLOrHTKLneMNcbgWVlasVywOByANjs", 5226)]
    [InlineData(
        "1XYM6!(7(lF5wq4k4m*e$Nc!1ezLJv*1YK1Y-C^*&B$O)lq^iUkG(TNzXG;Zi#z2Og*Qq0#^*k):vXh$3,C7We7%W0meJ;b3,rQCg^J;^twXgs5E$$hWKxqp",
        23950)]
    [InlineData(
        "E(x;RRIaQcJs*P;D&jTPau-4K04oqr:lF6Z):ERpo&;9040qyV@G1_c9mgOs-8_8/10Fwa-7b7-yP!T-!IH&968)FWuI;(^g$2fN;)HJ^^yTn:",
        -29304)]
    public void Compute_OfTheClientsOwnVectors_GivesTheirHash(string key, short expected) =>
        Assert.Equal(expected, PartitionHash.Compute(key));

    [Theory]
    [InlineData("", 0, 0, 0, 0, 0)]
    [InlineData("device1", -9237, 1, 1, 5, 21)]
    [InlineData("mydevice", -13185, 1, 1, 1, 1)]
    [InlineData("sensor-01", -5705, 1, 1, 1, 9)]
    [InlineData("dev1", 16863, 1, 3, 7, 31)]
    [InlineData("thermostat-42", -3818, 0, 2, 2, 10)]
    [InlineData("éclair", 7747, 1, 3, 3, 3)]
    [InlineData("abcdefghijkl", -2373, 1, 1, 5, 5)]
    [InlineData("abcdefghijklm", -31855, 1, 3, 7, 15)]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaa", -13796, 0, 0, 4, 4)]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaa", -18807, 1, 3, 7, 23)]
    public void PartitionOf_CutsTheRemainderTowardsZero(string key, short hash, int of2, int of4, int of8, int of32)
    {
        Assert.Equal(hash, PartitionHash.Compute(key));
        Assert.Equal([of2, of4, of8, of32], new[] { 2, 4, 8, 32 }.Select(n => PartitionHash.PartitionOf(key, n)));
    }

    [Fact]
    public void Compute_OfTextAndOfItsBytes_IsTheSame() => Gen.String.Sample(key =>
    {
        var partition = PartitionHash.PartitionOf(key, 7);
        Assert.Equal(PartitionHash.Compute(Encoding.UTF8.GetBytes(key)), PartitionHash.Compute(key));
        Assert.InRange(partition, 0, 6);
    });

    [Fact]
    public void Compute_OfAKeyBeyondTheStackBuffer_StillHashesAllOfIt()
    {
        var key = new string('k', 10_000);

        Assert.NotEqual(PartitionHash.Compute(key), PartitionHash.Compute(key[..^1] + "x"));
    }
}
