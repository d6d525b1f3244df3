// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Calls itself in every way, as deep as the gas or the machine allows.
contract Depths {
    event Reached(uint256 depth);

    uint256 public deepest;
    mapping(uint256 => uint256) public marks;

    /// Kinds: 0 CALL, 1 CALLCODE (as DELEGATECALL here), 2 STATICCALL, 3 CREATE.
    function dive(uint256 kind, uint256 depth) external returns (uint256) {
        if (kind != 2) {
            deepest = depth;
            marks[depth % 7] = depth;
        }
        bytes memory data = abi.encodeCall(this.dive, (kind, depth + 1));
        bool done;
        bytes memory returned;
        if (kind == 0) (done, returned) = address(this).call(data);
        if (kind == 1) (done, returned) = address(this).delegatecall(data);
        if (kind == 2) (done, returned) = address(this).staticcall(data);
        if (done) return abi.decode(returned, (uint256));
        if (kind == 0) emit Reached(depth);
        return depth;
    }

    /// Writes, logs, calls, creates and clears at every depth: short of gas anywhere it must undo.
    function work(uint256 depth) external returns (uint256 sum) {
        marks[depth] = depth + 1;
        emit Reached(depth);
        if (depth == 0) return 1;
        try this.work(depth - 1) returns (uint256 inner) {
            sum = inner + 1;
        } catch {
            marks[100 + depth] = 1;
        }
        (bool done,) = address(this).delegatecall(abi.encodeCall(this.touch, (depth)));
        if (done) sum += 100;
        new Leaf(depth);
        marks[depth] = 0;
    }

    function touch(uint256 depth) external {
        marks[200 + depth] += depth;
        emit Reached(1000 + depth);
    }
}

contract Leaf {
    uint256 private value;

    constructor(uint256 value_) {
        value = value_;
        value = 0;
        value = value_;
    }
}

/// Makes one of itself in its constructor, as long as there is gas.
contract Bomb {
    uint256 public depth;

    constructor(uint256 depth_, bytes memory code) {
        depth = depth_;
        bytes memory init = abi.encodePacked(code, abi.encode(depth_ + 1, code));
        assembly { pop(create(0, add(init, 32), mload(init))) }
    }
}
