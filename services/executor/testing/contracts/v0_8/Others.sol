// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Called by DELEGATECALL into the storage of whoever uses it.
library Ledger {
    struct Book {
        mapping(address => uint256) amounts;
        address[] owners;
    }

    event Written(address indexed sender, address self, uint256 amount);

    function add(Book storage book, address owner, uint256 amount) external returns (uint256) {
        if (book.amounts[owner] == 0) book.owners.push(owner);
        book.amounts[owner] += amount;
        emit Written(msg.sender, address(this), amount);
        return book.owners.length;
    }

    function total(Book storage book) external view returns (uint256 sum) {
        for (uint256 i = 0; i < book.owners.length; i++) sum += book.amounts[book.owners[i]];
    }
}

contract Clerk {
    using Ledger for Ledger.Book;

    Ledger.Book private book;

    function add(address owner, uint256 amount) external returns (uint256) {
        return book.add(owner, amount);
    }

    function total() external view returns (uint256) {
        return book.total();
    }
}

/// Hands every call on to code that can be changed.
contract Proxy {
    bytes32 private constant SLOT = keccak256("proxy.code");

    constructor(address code) {
        bytes32 slot = SLOT;
        assembly { sstore(slot, code) }
    }

    fallback() external payable {
        bytes32 slot = SLOT;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), sload(slot), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch done
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }

    receive() external payable {}
}

/// Answers what it does not know.
contract Answers {
    event Asked(address sender, uint256 value, bytes data, uint256 chain, uint256 balance);

    fallback(bytes calldata data) external payable returns (bytes memory) {
        emit Asked(msg.sender, msg.value, data, block.chainid, address(this).balance);
        return abi.encode(data.length, tx.origin, tx.gasprice, block.number, block.timestamp, block.coinbase, block.gaslimit);
    }
}

/// Tries to write in a read-only call.
contract Writer {
    event Wrote(uint256 a);

    uint256 public value;

    function write(uint256 kind) external returns (uint256) {
        if (kind == 0) value = 1;
        if (kind == 1) emit Wrote(1);
        if (kind == 2) new Answers();
        if (kind == 3) new Answers{salt: 0}();
        if (kind == 4) selfdestruct(payable(msg.sender));
        if (kind == 5) payable(msg.sender).call{value: 1}("");
        if (kind == 6) this.write(0);
        if (kind == 7) address(this).delegatecall(abi.encodeCall(this.write, (0)));
        if (kind == 8) payable(msg.sender).call("");
        if (kind == 9) value = kind - 9;
        return kind + 1;
    }
}

interface IReader {
    function write(uint256 kind) external view returns (uint256);
}

contract ReadOnly {
    event Tried(uint256 kind, bool done, bytes returned);

    function tryAll(address writer) external {
        for (uint256 kind = 0; kind < 11; kind++) {
            (bool done, bytes memory returned) =
                writer.staticcall{gas: 200000}(abi.encodeCall(Writer.write, (kind)));
            emit Tried(kind, done, returned);
        }
    }

    function viaInterface(IReader writer, uint256 kind) external view returns (uint256) {
        return writer.write(kind);
    }
}

/// Removes itself, alone or with others.
contract Mortal {
    event Alive(uint256 value, uint256 size);

    uint256 public value = 7;
    Mortal public next;

    function setNext(Mortal next_) external {
        next = next_;
    }

    function kill(address payable heir) external {
        value = 0;
        selfdestruct(heir);
    }

    function killChain(address payable heir) external {
        if (address(next) != address(0)) next.killChain(payable(address(this)));
        selfdestruct(heir);
    }

    function killAndUse(Mortal other) external {
        other.kill(payable(address(other)));
        other.kill(payable(msg.sender));
        emit Alive(other.value(), address(other).code.length);
    }

    function killAndFail(Mortal other) external {
        try this.killThenRevert(other) {} catch {}
        emit Alive(other.value(), address(other).code.length);
    }

    function killThenRevert(Mortal other) external {
        other.kill(payable(msg.sender));
        revert();
    }
}

/// The precompiled contracts, as Solidity and as assembly call them.
contract Natives {
    event Native(uint256 address_, bool done, bytes returned, uint256 used);

    function recover(bytes32 hash, uint8 v, bytes32 r, bytes32 s) external pure returns (address) {
        return ecrecover(hash, v, r, s);
    }

    function hashes(bytes calldata data) external pure returns (bytes32, bytes20, bytes32) {
        return (sha256(data), ripemd160(data), keccak256(data));
    }

    function callAll(bytes calldata data, uint256 gas_) external {
        for (uint160 i = 1; i < 10; i++) {
            uint256 before = gasleft();
            (bool done, bytes memory returned) = address(i).call{gas: gas_}(data);
            emit Native(i, done, returned, before - gasleft());
            before = gasleft();
            (done, returned) = address(i).staticcall{gas: gas_}(data);
            emit Native(i, done, returned, before - gasleft());
            before = gasleft();
            (done, returned) = address(i).delegatecall{gas: gas_}(data);
            emit Native(i, done, returned, before - gasleft());
        }
    }
}

/// Constructor arguments of every kind, and immutable values.
contract Arguments {
    uint256 public immutable number;
    address private immutable who;
    bytes public raw;
    uint256[] public list;
    string public words;

    constructor(uint256 number_, address who_, bytes memory raw_, uint256[] memory list_, string memory words_) {
        number = number_;
        who = who_;
        raw = raw_;
        list = list_;
        words = words_;
    }

    function digest() external view returns (bytes32) {
        return keccak256(abi.encode(number, who, raw, list, words));
    }
}
