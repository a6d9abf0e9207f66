// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
import "@openzeppelin/contracts/token/ERC20/ERC20.sol";
contract BenchToken is ERC20 {
    constructor() ERC20("Bench", "BNC") { _mint(msg.sender, 1e30); }
}
