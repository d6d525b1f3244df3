// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Every shape of an event.
contract Events {
    event None();
    event Plain(uint256 a, string b);
    event One(uint256 indexed a);
    event Two(address indexed a, bytes32 indexed b, bool c);
    event Three(string indexed a, bytes indexed b, uint256[] indexed c, string d);
    event Nameless(uint256 indexed a, uint256 indexed b, uint256 indexed c, uint256 indexed d) anonymous;
    event NamelessPlain(bytes a) anonymous;

    function all(uint256 seed, string calldata words, bytes calldata raw) external {
        uint256[] memory list = new uint256[](seed % 5);
        for (uint256 i = 0; i < list.length; i++) list[i] = seed + i;
        emit None();
        emit Plain(seed, words);
        emit One(seed);
        emit Two(msg.sender, keccak256(raw), seed % 2 == 0);
        emit Three(words, raw, list, words);
        emit Nameless(seed, seed + 1, seed + 2, seed + 3);
        emit NamelessPlain(raw);
    }

    function many(uint256 count) external {
        for (uint256 i = 0; i < count; i++) emit One(i);
    }

    /// Logs of a failed inner call are dropped, those around it stay.
    function some() external {
        emit One(1);
        try this.failing() {} catch {}
        this.many(2);
        emit One(3);
    }

    function failing() external {
        emit One(2);
        revert("dropped");
    }
}
