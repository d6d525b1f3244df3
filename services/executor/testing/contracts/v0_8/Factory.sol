// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

contract Grandchild {}

/// What the factory makes: its constructor does as it is told.
contract Child {
    uint256 public immutable kind;
    address public creator;
    mapping(uint256 => uint256) public slots;

    constructor(uint256 kind_) payable {
        kind = kind_;
        creator = msg.sender;
        if (kind_ == 1) revert("no child");
        if (kind_ == 2) assert(false);
        if (kind_ == 3) selfdestruct(payable(msg.sender));
        if (kind_ == 4) while (true) slots[gasleft()] = 1;
        if (kind_ == 5) creator = address(new Grandchild());
        if (kind_ == 6) assembly { return(0, 30000) }
        if (kind_ == 7) assembly { return(0, 0) }
        if (kind_ == 8) for (uint256 i = 0; i < 8; i++) { slots[i] = i; slots[i] = 0; }
    }

    function kill() external {
        selfdestruct(payable(msg.sender));
    }

    function codeSize() external view returns (uint256 size) {
        assembly { size := extcodesize(address()) }
    }
}

/// Makes children by CREATE and CREATE2.
contract Factory {
    event Made(address indexed child, bytes32 codeHash, bytes returned);

    address[] public children;

    function make(uint256 kind) external returns (address) {
        return note(address(new Child(kind)));
    }

    function make2(uint256 kind, bytes32 salt) external returns (address) {
        return note(address(new Child{salt: salt}(kind)));
    }

    /// Does not fail when the creation does.
    function tryMake(uint256 kind, bytes32 salt) external {
        try this.make2(kind, salt) returns (address child) {
            note(child);
        } catch (bytes memory reason) {
            emit Made(address(0), 0, reason);
        }
        bytes memory init = abi.encodePacked(type(Child).creationCode, kind);
        address made;
        uint256 size;
        assembly {
            made := create(0, add(init, 32), mload(init))
            size := returndatasize()
        }
        emit Made(made, made.codehash, abi.encode(size));
    }

    function make2AndKill(bytes32 salt) external {
        Child child = new Child{salt: salt}(0);
        note(address(child));
        child.kill();
        note(address(child));
    }

    function predicted(uint256 kind, bytes32 salt) external view returns (address) {
        bytes32 init = keccak256(abi.encodePacked(type(Child).creationCode, kind));
        return address(uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), address(this), salt, init)))));
    }

    function count() external view returns (uint256) {
        return children.length;
    }

    function withValue() external {
        address made;
        bytes memory init = type(Child).creationCode;
        assembly { made := create(1, add(init, 32), mload(init)) }
        emit Made(made, made.codehash, "");
        (bool done, bytes memory returned) = address(this).call{value: 1}("");
        emit Made(done ? address(1) : address(0), 0, returned);
    }

    function note(address child) private returns (address) {
        children.push(child);
        emit Made(child, child.codehash, "");
        return child;
    }
}
