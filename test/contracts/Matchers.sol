// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// Every way of failing that Hardhat's chai-matchers tell apart.
contract Matchers {
    event Said(address indexed who, uint256 value, string words);
    error Custom(uint256 code, string words);
    error Bare();

    uint256 public counter;

    function say(string calldata words) external payable { emit Said(msg.sender, msg.value, words); }
    function words() external { counter++; revert("these words"); }
    function required(bool ok) external pure { require(ok, "it was required"); }
    function custom() external pure { revert Custom(7, "seven"); }
    function bare() external pure { revert Bare(); }
    function silent() external pure { revert(); }
    function asserts() external pure { assert(false); }
    function overflows(uint256 by) external pure returns (uint256) { return type(uint256).max + by; }
    function divides(uint256 by) external pure returns (uint256) { return 1 / by; }
    function picks(uint256 at) external pure returns (uint256) { uint256[] memory a = new uint256[](2); return a[at]; }
    function pay(address payable to) external payable { to.transfer(msg.value); }
}
