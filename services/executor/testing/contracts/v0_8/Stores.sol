// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Storage of every shape, filled and cleared.
contract Stores {
    struct Item {
        uint64 a;
        uint64 b;
        bool c;
        string name;
        uint256[] numbers;
    }

    mapping(uint256 => Item) private items;
    uint256[] private list;
    uint8[40] private bytesOf;
    string private words;
    mapping(address => mapping(bytes32 => int256)) private deep;

    function fill(uint256 seed, string calldata name) external {
        Item storage item = items[seed % 3];
        item.a = uint64(seed);
        item.b = uint64(seed >> 7);
        item.c = seed % 2 == 0;
        item.name = name;
        for (uint256 i = 0; i < seed % 6; i++) {
            item.numbers.push(seed + i);
            list.push(i * seed);
            bytesOf[(seed + i) % 40] = uint8(seed + i);
        }
        words = name;
        deep[msg.sender][keccak256(bytes(name))] -= int256(seed);
    }

    function clear(uint256 seed) external {
        if (seed % 2 == 0) delete items[seed % 3];
        if (seed % 3 == 0) delete list;
        if (seed % 5 == 0) delete bytesOf;
        if (seed % 7 == 0) delete words;
        if (seed % 4 == 1 && list.length > 0) list.pop();
    }

    function flip(uint256 times) external {
        for (uint256 i = 0; i < times; i++) {
            if (list.length > 0) delete list;
            else list.push(i + 1);
        }
    }

    function sum(uint256 index) external view returns (uint256 total, string memory name) {
        Item storage item = items[index];
        total = uint256(item.a) + item.b + (item.c ? 1 : 0) + item.numbers.length + list.length;
        for (uint256 i = 0; i < 40; i++) total += bytesOf[i];
        name = string.concat(item.name, words);
    }

    /// Reads, hashes and returns a lot of memory.
    function big(uint256 size) external pure returns (bytes32 hash, uint256 length) {
        bytes memory data = new bytes(size);
        for (uint256 i = 0; i < size; i += 997) data[i] = bytes1(uint8(i));
        bytes memory twice = bytes.concat(data, data);
        return (keccak256(twice), twice.length);
    }

    function echo(bytes calldata data) external pure returns (bytes memory) {
        return data;
    }

    function returnBig(uint256 size) external pure returns (bytes memory) {
        return new bytes(size);
    }

    /// Takes less of what a call returns than it returns, and more.
    function partialCopies(uint256 size) external view returns (uint256 a, uint256 b, uint256 c) {
        bytes memory data = abi.encodeCall(this.returnBig, (size));
        assembly {
            mstore(0x200, not(0))
            mstore(0x220, not(0))
            pop(staticcall(gas(), address(), add(data, 32), mload(data), 0x200, 16))
            a := mload(0x200)
            pop(staticcall(gas(), address(), add(data, 32), mload(data), 0x210, 4000))
            b := mload(0x218)
            c := returndatasize()
            returndatacopy(0x200, sub(c, 32), 32)
            a := add(a, mload(0x200))
        }
    }
}
