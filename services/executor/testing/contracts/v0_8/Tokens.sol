// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";

/// An ERC-20 whose creator owns everything.
contract Coin is ERC20 {
    constructor(string memory name, string memory symbol, uint256 supply) ERC20(name, symbol) {
        _mint(msg.sender, supply);
    }

    function burn(uint256 amount) external {
        _burn(msg.sender, amount);
    }
}

/// An ERC-20 that gives the same amount to many accounts at once, by their addresses or, without
/// events, by the slots of their balances: for measurements.
contract Airdrop is ERC20("Airdrop", "AIR") {
    function issue(address[] calldata holders, uint256 amount) external {
        for (uint256 i = 0; i < holders.length; i++) _mint(holders[i], amount);
    }

    function fill(bytes32[] calldata slots, uint256 amount) external {
        for (uint256 i = 0; i < slots.length; i++) {
            bytes32 slot = slots[i];
            assembly {
                sstore(slot, amount)
            }
        }
    }
}

/// An ERC-721 that anybody may mint.
contract Deed is ERC721("Deed", "DEED") {
    function mint(address to, uint256 id) external {
        _mint(to, id);
    }

    function safeMint(address to, uint256 id, bytes calldata data) external {
        _safeMint(to, id, data);
    }

    function burn(uint256 id) external {
        _update(address(0), id, msg.sender);
    }
}

/// Takes deeds as its mode says.
contract Receiver is IERC721Receiver {
    uint256 public mode;
    uint256 public received;

    function setMode(uint256 mode_) external {
        mode = mode_;
    }

    function onERC721Received(address, address, uint256, bytes calldata data) external returns (bytes4) {
        received += 1 + data.length;
        if (mode == 1) return 0xffffffff;
        if (mode == 2) revert("not wanted");
        if (mode == 3) revert();
        if (mode == 4) assert(false);
        if (mode == 5) while (true) received++;
        return IERC721Receiver.onERC721Received.selector;
    }
}
