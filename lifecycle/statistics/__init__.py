"""The statistics of a release: pure functions over frozen values, no clock, no network.

    fixed        a set of questions, answered by both: paired difference, its interval, what the set could have shown
    bernoulli    yes/no outcomes of two groups, watched while they come: is the canary worse?
    pairs        the same request answered by both, watched: does the candidate lose more often than it wins?
    sequence     the mean of a bounded score, watched: between which bounds does it lie?
    split        do the groups have the sizes that they were meant to have?
    burning      acute breakage: errors eat the budget, or one after the other fails

Watched means: the false-alarm rate holds however often somebody looks, and whenever he stops. An e-process is the wealth of a
gambler who bets against "nothing is wrong" and starts with 1; by Ville's inequality it reaches 1/α with a probability of
at most α if nothing is. Every state is a value that a database can keep: a process that died goes on from it, to the bit.
"""
