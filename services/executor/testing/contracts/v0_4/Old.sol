pragma solidity ^0.4.24;

/// A token as it was written in the days of solc 0.4.
contract OldToken {
    event Transfer(address indexed from, address indexed to, uint256 value);

    string public name;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    constructor(string name_, uint256 supply) public {
        name = name_;
        balanceOf[msg.sender] = supply;
    }

    function transfer(address to, uint256 value) public returns (bool) {
        require(balanceOf[msg.sender] >= value, "too much");
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
        return true;
    }

    function approve(address spender, uint256 value) public returns (bool) {
        allowance[msg.sender][spender] = value;
        return true;
    }

    function transferFrom(address from, address to, uint256 value) public returns (bool) {
        require(allowance[from][msg.sender] >= value);
        assert(balanceOf[from] >= value);
        allowance[from][msg.sender] -= value;
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
        return true;
    }
}

/// Failures, calls and removal by the rules of solc 0.4.
contract OldWays {
    event Result(bool done, uint256 value);

    uint256 public value;
    address public last;

    function () public payable {
        value++;
        last = msg.sender;
    }

    function fail(uint256 kind) public {
        value++;
        uint256[] memory list = new uint256[](2);
        if (kind == 0) assert(false);
        if (kind == 1) require(false);
        if (kind == 2) throw;
        if (kind == 3) value = list[kind];
        if (kind == 4) value = 1 / (kind - 4);
        if (kind == 5) revert("old reason");
        if (kind == 6) msg.sender.transfer(1);
        if (kind == 7) value = kind ** 300;
    }

    function calls(address other, uint256 kind) public {
        bytes4 selector = bytes4(keccak256("fail(uint256)"));
        emit Result(other.call(selector, kind), value);
        emit Result(other.call.gas(50000)(selector, kind), value);
        emit Result(other.callcode(selector, kind), value);
        emit Result(other.callcode.gas(30000)(selector, kind), value);
        emit Result(other.delegatecall(selector, kind), value);
        emit Result(other.send(0), value);
        emit Result(other.send(1), value);
        emit Result(other.call.value(1).gas(1000)(), value);
        emit Result(other.callcode.value(1)(), value);
    }

    function signed(int256 a, int256 b) public pure returns (int256, int256, int256, bytes32) {
        return (a / b, a % b, a >> 3, bytes32(a) << 7 ^ bytes32(b) >> 9);
    }

    function power(uint256 a, uint256 b) public pure returns (uint256, uint256, uint256) {
        return (a ** b, addmod(a, b, 97), mulmod(a, b, uint256(-3)));
    }

    function kill(address heir) public {
        selfdestruct(heir);
    }
}

/// Makes contracts in constructors.
contract OldFactory {
    event Made(address child);

    function make(uint256 supply) public returns (address child) {
        child = new OldMaker(supply);
        emit Made(child);
        emit Made(new OldToken("made", supply));
    }
}

contract OldMaker {
    OldToken public token;

    constructor(uint256 supply) public {
        token = new OldToken("of the maker", supply);
        token.transfer(msg.sender, supply / 2);
    }
}
