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
