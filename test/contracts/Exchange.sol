// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// OpenZeppelin's token with permits and votes: checkpoints, EIP-712 and many events.
contract Coin is ERC20, ERC20Permit, ERC20Votes {
    constructor(string memory name_, uint256 supply) ERC20(name_, name_) ERC20Permit(name_) {
        _mint(msg.sender, supply);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }

    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }
}

interface IPool {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function mint(address recipient, int24 low, int24 high, uint128 amount, bytes calldata data) external returns (uint256, uint256);
    function swap(address recipient, bool zeroForOne, int256 amount, uint160 limit, bytes calldata data) external returns (int256, int256);
}

/// Pays what a Uniswap v3 pool asks for in its callbacks, out of the payer's allowance.
contract Payer {
    function mint(IPool pool, int24 low, int24 high, uint128 amount) external {
        pool.mint(msg.sender, low, high, amount, abi.encode(msg.sender));
    }

    function swap(IPool pool, bool zeroForOne, int256 amount, uint160 limit) external {
        pool.swap(msg.sender, zeroForOne, amount, limit, abi.encode(msg.sender));
    }

    function uniswapV3MintCallback(uint256 owed0, uint256 owed1, bytes calldata data) external {
        address from = abi.decode(data, (address));
        if (owed0 > 0) ERC20(IPool(msg.sender).token0()).transferFrom(from, msg.sender, owed0);
        if (owed1 > 0) ERC20(IPool(msg.sender).token1()).transferFrom(from, msg.sender, owed1);
    }

    function uniswapV3SwapCallback(int256 delta0, int256 delta1, bytes calldata data) external {
        address from = abi.decode(data, (address));
        if (delta0 > 0) ERC20(IPool(msg.sender).token0()).transferFrom(from, msg.sender, uint256(delta0));
        if (delta1 > 0) ERC20(IPool(msg.sender).token1()).transferFrom(from, msg.sender, uint256(delta1));
    }
}
