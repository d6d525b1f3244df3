// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Every way to fail.
contract Failures {
    error Custom(uint256 code, address who, string words);
    error Bare();

    enum Colour { Red, Green }

    event Caught(string kind, bytes reason);

    uint256 public written;
    uint256[] private list;

    function fail(uint256 kind) public {
        written += 1;
        uint256 zero = kind - kind;
        if (kind == 0) require(false);
        if (kind == 1) require(false, "with a reason");
        if (kind == 2) require(false, "a reason that is longer than thirty-two bytes, so that it takes two words");
        if (kind == 3) revert Custom(7, msg.sender, "words");
        if (kind == 4) revert Bare();
        if (kind == 5) assert(false);
        if (kind == 6) written = 1 / zero;
        if (kind == 7) written = zero - 1;
        if (kind == 8) written = list[kind];
        if (kind == 9) list.pop();
        if (kind == 10) written = uint256(Colour(kind));
        if (kind == 11) assembly { invalid() }
        if (kind == 12) written = new uint256[](type(uint256).max).length;
        if (kind == 13) while (true) written++;
        if (kind == 14) assembly { revert(0, 100000) }
        if (kind == 15) assembly { mstore(0, not(0)) revert(0, 3) }
        if (kind == 16) revert("");
        if (kind == 17) assembly { pop(mload(not(0))) }
        if (kind == 18) this.fail(17);
        if (kind == 19) (address(5)).call{gas: 1000}("");
    }

    function catching(uint256 kind) external {
        try this.fail{gas: 100000}(kind) {
            emit Caught("none", "");
        } catch Error(string memory reason) {
            emit Caught("error", bytes(reason));
        } catch Panic(uint256 code) {
            emit Caught("panic", abi.encode(code));
        } catch (bytes memory reason) {
            emit Caught("other", reason);
        }
    }

    function view_(uint256 kind) external view returns (uint256) {
        if (kind == 1) revert("seen");
        if (kind == 2) revert Bare();
        if (kind == 3) assert(false);
        return kind;
    }
}
